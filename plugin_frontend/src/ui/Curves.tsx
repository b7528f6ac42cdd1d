import { useMemo } from "preact/hooks";
import type { Dense } from "../byPosition";
import { breaksOf } from "../chart";
import { number } from "../format";
import { chosen, type Pair, pairs, title } from "../metrics";
import { smooth } from "../smoothing";
import { metrics, smoothing } from "../store/colorScale";
import { looked } from "../store/cursor";
import { scalars } from "../store/tables";
import { HeatMap } from "./HeatMap";
import { type Break, type Line, Plot } from "./Plot";

/** Always in view: the curves, and what is dead where. */
export function Curves() {
  const all = pairs(scalars.value?.tags.keys() ?? []);
  const shown = chosen(all, metrics.value);
  return (
    <section class={`curves of-${shown.length}`} aria-label="Curves">
      {shown.map((pair, i) => (
        <CurveCard key={i} pair={pair} all={all} place={i} shown={shown} />
      ))}
      {shown.length === 0 && (
        <div class="card hint">
          <p hidden={scalars.value === null}>
            No metrics were logged. <code>tbviz.Monitor</code> logs them, and so does{" "}
            <code>keras.callbacks.TensorBoard</code> into the same directory.
          </p>
        </div>
      )}
      <HeatMap />
    </section>
  );
}

interface Props {
  pair: Pair;
  all: readonly Pair[];
  place: number;
  shown: readonly Pair[];
}

const NONE: Dense = [];

function CurveCard({ pair, all, place, shown }: Props) {
  const train = values(pair.train);
  const validation = values(pair.validation);
  const weight = smoothing.value;
  const lines = useMemo(() => {
    const both: Line[] = [];
    if (pair.train !== null) both.push(...withRaw("train", "--train", train, weight));
    if (pair.validation !== null) {
      both.push(...withRaw("validation", "--validation", validation, weight));
    }
    return both;
  }, [pair.train, pair.validation, train, validation, weight]);
  const breaks = useMemo(
    () => [...broken(train, "--train"), ...broken(validation, "--validation")],
    [train, validation],
  );
  return (
    <div class="card" data-testid="curve" data-metric={pair.name}>
      <div class="card-head">
        <Title pair={pair} all={all} place={place} shown={shown} />
        <span class="legend">
          {pair.train !== null && <Value name="train" values={train} />}
          {pair.validation !== null && <Value name="validation" values={validation} />}
        </span>
        {place === 0 && <Smoothing />}
      </div>
      <Plot
        lines={lines}
        label={`${title(pair.name)} over the run`}
        testid="plot"
        breaks={breaks}
      />
    </div>
  );
}

function values(tag: string | null): Dense {
  return tag === null ? NONE : (scalars.value?.tags.get(tag) ?? NONE);
}

const broken = (of: Dense, color: string): Break[] =>
  breaksOf(of).map(([ordinal, value]) => ({ ordinal, text: number(value), color }));

/** The smoothed line, and the raw one faint behind it. */
function withRaw(label: string, color: string, raw: Dense, weight: number): Line[] {
  if (weight === 0) return [{ label, color, values: raw }];
  // A position without a value is no value of 0: left out of the average.
  const smoothed = smooth(
    raw.map((value) => value ?? null),
    weight,
  ).map((value) => value ?? undefined);
  return [
    { label: `${label}, raw`, color, values: raw, faint: true },
    { label, color, values: smoothed },
  ];
}

function Value({ name, values: of }: { name: "train" | "validation"; values: Dense }) {
  const value = of[looked.value];
  return (
    <span class={name} data-testid={`value-${name}`}>
      {name === "train" ? "train" : "val"} <b>{value === undefined ? "–" : number(value)}</b>
    </span>
  );
}

function Title({ pair, all, place, shown }: Props) {
  if (all.length <= shown.length) return <h2>{title(pair.name)}</h2>;
  return (
    <select
      class="title"
      aria-label="Metric in this plot"
      data-testid="metric"
      value={pair.name}
      onChange={(event) => {
        const names = shown.map((other) => other.name);
        names[place] = event.currentTarget.value;
        metrics.value = names;
      }}
    >
      {all
        .filter((other) => other === pair || !shown.includes(other))
        .map((other) => (
          <option key={other.name} value={other.name}>
            {title(other.name)}
          </option>
        ))}
    </select>
  );
}

function Smoothing() {
  return (
    <label class="smoothing" title={`Smoothing as TensorBoard's: ${smoothing.value}`}>
      <input
        type="range"
        min="0"
        max="0.95"
        step="0.05"
        data-testid="smoothing"
        aria-label="Smoothing of the curves"
        value={smoothing.value}
        onInput={(event) => {
          smoothing.value = Number(event.currentTarget.value);
        }}
      />
    </label>
  );
}
