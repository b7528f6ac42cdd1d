import { useRef } from "preact/hooks";
import { MAP_LABELS, MAPS, type MapName } from "../colour";
import { number } from "../format";
import {
  grown,
  layerRange,
  mapName,
  rangeRule,
  setMap,
  sheetRange,
  takeRange,
} from "../store/look";
import { main } from "../store/pictures";
import {
  HEALTH,
  kind,
  kindLabel,
  kindsOf,
  kindsOfRun,
  layer,
  series,
  wantedKind,
} from "../store/selection";
import { parseRange, type RangeRule } from "../url";

export function Tabs() {
  const bar = useRef<HTMLDivElement>(null);
  const all = kindsOfRun.value;
  const here = layer.value === null ? [] : kindsOf(layer.value);
  const open = (name: string) => {
    wantedKind.value = name;
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const to =
      event.key === "Home"
        ? here[0]
        : event.key === "End"
          ? here.at(-1)
          : way !== undefined
            ? here[(here.indexOf(kind.value ?? "") + way + here.length) % here.length]
            : undefined;
    if (to === undefined) return;
    event.preventDefault();
    open(to);
    bar.current?.querySelector<HTMLElement>(`[data-kind="${CSS.escape(to)}"]`)?.focus();
  };
  return (
    <div class="tabs">
      <div role="tablist" aria-label="Kinds of pictures" ref={bar} onKeyDown={onKeyDown}>
        {all.map((name) => {
          const selected = kind.value === name;
          const there = here.includes(name);
          return (
            <button
              type="button"
              role="tab"
              class="tab"
              key={name}
              data-testid="tab"
              data-kind={name}
              aria-selected={selected}
              tabIndex={selected ? 0 : -1}
              disabled={!there}
              title={
                there ? undefined : `Nothing of this kind was logged of ${layer.value ?? "it"}`
              }
              onClick={() => open(name)}
            >
              {kindLabel(name)}
            </button>
          );
        })}
      </div>
      <span class="space" />
      {series.value?.media === "gray8" && kind.value !== "cam" && <RangeControl />}
      {series.value?.media === "gray8" && kind.value !== HEALTH && <MapControl />}
    </div>
  );
}

function MapControl() {
  return (
    <label class="control">
      Map
      <select
        data-testid="map"
        value={mapName.value}
        onChange={(event) => {
          setMap(event.currentTarget.value as MapName);
        }}
      >
        {MAPS.map((name) => (
          <option key={name} value={name}>
            {MAP_LABELS[name]}
          </option>
        ))}
      </select>
    </label>
  );
}

const TYPED = "typed";

/** From the present range: typing begins where the eye is. */
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
          title="New data lies outside of the range that the colours span. Take it over."
          onClick={takeRange}
        >
          range has grown
        </button>
      )}
      <label class="control">
        Range
        <select
          data-testid="range"
          value={typeof rule === "string" ? rule : TYPED}
          onChange={(event) => {
            const value = event.currentTarget.value;
            rangeRule.value = value === TYPED ? present() : (parseRange(value) ?? "run");
          }}
        >
          <option value="tile">tile</option>
          <option value="layer">layer</option>
          <option value="run">run</option>
          <option value="extremes">run, min to max</option>
          <option value={TYPED}>typed</option>
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
      title={`The colours span ${number(rule.low)} to ${number(rule.high)}`}
      onChange={(event) => {
        const typed = { ...rule, [name]: Number(event.currentTarget.value) };
        const next = parseRange(`${typed.low}:${typed.high}`);
        if (next === null) event.currentTarget.value = String(rule[name]);
        else rangeRule.value = next;
      }}
    />
  );
}
