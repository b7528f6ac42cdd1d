import { MAPS, type MapName, mapLabel } from "../draw/color";
import { parseRange, type RangeRule } from "../host/url";
import { familyOf, kindHelp } from "../model/families";
import { number, percent } from "../model/format";
import {
  grown,
  layerRange,
  mapName,
  rangeRule,
  setMap,
  setRange,
  sheetRange,
  strength,
  updateRange,
} from "../state/colorScale";
import { variantName } from "../state/kindNames";
import { openKind, variants } from "../state/kinds";
import { layer } from "../state/layer";
import { pathOf } from "../state/logged";
import { main } from "../state/pictures";
import { kind, layout, series } from "../state/selection";

/** The bar under the tabs: the variant, its description, and its colors. */
export function Toolbar() {
  if (kind.value === null) return null;
  const gray = series.value?.media === "gray8";
  const { view } = familyOf(kind.value);
  const text = sentence(kind.value);
  return (
    <div class="toolbar">
      <Variants />
      <p class="about" data-testid="about" title={text}>
        {text}
      </p>
      {gray && view === "cams" && <StrengthControl />}
      {gray && view === "sheet" && <RangeControl />}
      {gray && <MapControl />}
    </div>
  );
}

/** Describe the picture: by the layout's own title, unless that is the label of the kind. */
function sentence(shown: string): string {
  const own = layout.value?.title ?? "";
  return own === "" || own === variantName(shown) ? kindHelp(shown) : own;
}

const FEW = 4;

function Variants() {
  const kinds = variants.value;
  if (kinds.length < 2) return null;
  const there = (name: string) => pathOf(name, layer.value) !== null;
  if (kinds.length > FEW) {
    return (
      <select
        class="variant"
        data-testid="variants"
        aria-label="Variant"
        value={kind.value ?? ""}
        onChange={(event) => openKind(event.currentTarget.value)}
      >
        {kinds.map((name) => (
          <option key={name} value={name}>
            {variantName(name)}
          </option>
        ))}
      </select>
    );
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: buttons side by side, not fields of a form.
    <div class="segments" role="group" aria-label="Variant" data-testid="variants">
      {kinds.map((name) => (
        <button
          type="button"
          key={name}
          class={`segment ${there(name) ? "" : "elsewhere"}`}
          data-testid="variant"
          data-kind={name}
          aria-pressed={name === kind.value}
          title={kindHelp(name)}
          onClick={() => openKind(name)}
        >
          {variantName(name)}
        </button>
      ))}
    </div>
  );
}

function StrengthControl() {
  return (
    <label class="control" title="Opacity of the map over the photograph">
      Opacity
      <input
        type="range"
        min="0"
        max="1"
        step="0.05"
        data-testid="strength"
        aria-valuetext={percent(strength.value)}
        value={strength.value}
        onInput={(event) => {
          strength.value = Number(event.currentTarget.value);
        }}
      />
    </label>
  );
}

function MapControl() {
  return (
    <label class="control">
      Color map
      <select
        data-testid="map"
        value={mapName.value}
        onChange={(event) => {
          setMap(event.currentTarget.value as MapName);
        }}
      >
        {MAPS.map((name) => (
          <option key={name} value={name}>
            {mapLabel(name)}
          </option>
        ))}
      </select>
    </label>
  );
}

const CUSTOM = "custom";

/** Return the current range, to start editing from. */
function present(): RangeRule {
  const sheet = main.peek().shown?.sheets[0];
  const range = sheet === undefined ? null : (sheetRange(sheet) ?? layerRange(sheet));
  if (range === null || !(range.low < range.high)) return { low: 0, high: 1 };
  return {
    low: Number(range.low.toPrecision(3)),
    high: Number(range.high.toPrecision(3)),
  };
}

function RangeControl() {
  const rule = rangeRule.value;
  return (
    <span class="control-group">
      {grown.value && (
        <button
          type="button"
          class="chip-button"
          data-testid="grown"
          title="New data lies outside the color range. Click to include it."
          onClick={updateRange}
        >
          range has grown
        </button>
      )}
      <label class="control">
        Range
        <select
          data-testid="range"
          value={typeof rule === "string" ? rule : CUSTOM}
          onChange={(event) => {
            const value = event.currentTarget.value;
            setRange(value === CUSTOM ? present() : (parseRange(value) ?? "run"));
          }}
        >
          <option value="tile">each map</option>
          <option value="layer">this layer</option>
          <option value="run">whole run</option>
          <option value="extremes">whole run (min-max)</option>
          <option value={CUSTOM}>custom…</option>
        </select>
      </label>
      {typeof rule === "object" && (
        <>
          <End name="low" rule={rule} />
          <span aria-hidden="true">to</span>
          <End name="high" rule={rule} />
        </>
      )}
    </span>
  );
}

function End({ name, rule }: { name: "low" | "high"; rule: { low: number; high: number } }) {
  return (
    <input
      class="typed"
      data-testid={`range-${name}`}
      aria-label={name === "low" ? "Lowest value shown" : "Highest value shown"}
      inputMode="decimal"
      value={String(rule[name])}
      title={`The colors span ${number(rule.low)} to ${number(rule.high)}`}
      onChange={(event) => {
        const typed = { ...rule, [name]: Number(event.currentTarget.value) };
        const next = parseRange(`${typed.low}:${typed.high}`);
        if (next === null) event.currentTarget.value = String(rule[name]);
        else setRange(next);
      }}
    />
  );
}
