import { gradient, type Range } from "../color";
import { number, percent } from "../format";
import { mapName, rangeRule } from "../store/colorScale";

const SAID: Record<string, string> = {
  run: "0.5 to 99.5 % of all values of the run",
  extremes: "least to greatest value of the run",
  layer: "least to greatest value of this sheet",
  tile: "each tile by its own range",
};

/** The colors with the numbers they stand for. */
export function ColorBar({ range, clipped }: { range: Range | null; clipped: number }) {
  const rule = rangeRule.value;
  const said = typeof rule === "string" ? (SAID[rule] ?? "") : "typed";
  return (
    <span class="color-bar" data-testid="color-bar">
      <span data-testid="bar-low">{range === null ? "min" : number(range.low)}</span>
      <i style={{ background: gradient(mapName.value) }} aria-hidden="true" />
      <span data-testid="bar-high">{range === null ? "max" : number(range.high)}</span>
      <span class="dim">
        {said}
        {clipped > 0 && (
          <span data-testid="clipped" title="Share of the values beyond the ends of the colors">
            {" "}
            · {percent(clipped)} clipped
          </span>
        )}
      </span>
    </span>
  );
}
