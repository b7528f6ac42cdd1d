import { gradient, type Range } from "../draw/color";
import { number, percent } from "../model/format";
import { mapName, rangeRule } from "../state/colorScale";

const RULE_TEXTS: Record<string, string> = {
  run: "0.5th–99.5th percentile over the run",
  extremes: "minimum to maximum over the run",
  layer: "minimum to maximum of this picture",
  tile: "each map scaled to its own range",
};

/** The color bar with the values at its ends. */
export function ColorBar({ range, clipped }: { range: Range | null; clipped: number }) {
  const rule = rangeRule.value;
  const text = typeof rule === "string" ? (RULE_TEXTS[rule] ?? "") : "custom";
  return (
    <span class="color-bar" data-testid="color-bar">
      <span data-testid="bar-low">{range === null ? "min" : number(range.low)}</span>
      <i style={{ background: gradient(mapName.value) }} aria-hidden="true" />
      <span data-testid="bar-high">{range === null ? "max" : number(range.high)}</span>
      <span class="dim">
        {text}
        {clipped > 0 && (
          <span data-testid="clipped" title="Share of the values outside the color range">
            {" "}
            · {percent(clipped)} clipped
          </span>
        )}
      </span>
    </span>
  );
}
