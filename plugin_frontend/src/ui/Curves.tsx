import { useMemo } from "preact/hooks";
import { nonFiniteStarts } from "../draw/chart";
import type { Line, NonFiniteMark } from "../draw/plot";
import type { ByPosition } from "../model/byPosition";
import { number } from "../model/format";
import { type Pair, pairs, shownPairs, title } from "../model/metrics";
import { smooth } from "../model/smoothing";
import { metrics, smoothing } from "../state/colorScale";
import { readoutOrdinal } from "../state/cursor";
import { scalars } from "../state/tables";
import { HeatMap } from "./HeatMap";
import { Plot } from "./Plot";

/** The curves and the heat map, always in view. */
export function Curves() {
  const all = pairs(scalars.value?.tags.keys() ?? []);
  const shown = shownPairs(all, metrics.value);
  return (
    <section class={`curves plots-${shown.length}`} aria-label="Curves">
      {shown.map((pair, i) => (
        <CurveCard key={i} pair={pair} all={all} index={i} shown={shown} />
      ))}
      {shown.length === 0 && (
        <div class="card hint">
          <p hidden={scalars.value === null}>
            No metrics yet. Log them with <code>tbviz.Monitor</code>, or with{" "}
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
  index: number;
  shown: readonly Pair[];
}

const NONE: ByPosition = [];

function CurveCard({ pair, all, index, shown }: Props) {
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
  const marks = useMemo(
    () => [...nonFiniteMarks(train, "--train"), ...nonFiniteMarks(validation, "--validation")],
    [train, validation],
  );
  return (
    <div class="card" data-testid="curve" data-metric={pair.name}>
      <div class="card-head">
        <Title pair={pair} all={all} index={index} shown={shown} />
        <span class="legend">
          {pair.train !== null && <Value name="train" values={train} />}
          {pair.validation !== null && <Value name="validation" values={validation} />}
        </span>
        {index === 0 && <Smoothing />}
      </div>
      <Plot
        lines={lines}
        label={`${title(pair.name)} over the run`}
        testid="plot"
        nonFinite={marks}
      />
    </div>
  );
}

function values(tag: string | null): ByPosition {
  return tag === null ? NONE : (scalars.value?.tags.get(tag) ?? NONE);
}

const nonFiniteMarks = (line: ByPosition, color: string): NonFiniteMark[] =>
  nonFiniteStarts(line).map(([ordinal, value]) => ({ ordinal, text: number(value), color }));

/** The smoothed line, and the raw one faint behind it. */
function withRaw(label: string, color: string, raw: ByPosition, weight: number): Line[] {
  if (weight === 0) return [{ label, color, values: raw }];
  // A position without a value is skipped by the average.
  const smoothed = smooth(
    raw.map((value) => value ?? null),
    weight,
  ).map((value) => value ?? undefined);
  return [
    { label: `${label}, raw`, color, values: raw, faint: true },
    { label, color, values: smoothed },
  ];
}

function Value({ name, values: line }: { name: "train" | "validation"; values: ByPosition }) {
  const value = line[readoutOrdinal.value];
  return (
    <span class={name} data-testid={`value-${name}`}>
      {name === "train" ? "train" : "val"} <b>{value === undefined ? "–" : number(value)}</b>
    </span>
  );
}

function Title({ pair, all, index, shown }: Props) {
  if (all.length <= shown.length) return <h2>{title(pair.name)}</h2>;
  return (
    <select
      class="title"
      aria-label="Metric in this plot"
      data-testid="metric"
      value={pair.name}
      onChange={(event) => {
        const names = shown.map((other) => other.name);
        names[index] = event.currentTarget.value;
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
    <label class="smoothing" title={`Smoothing, as in TensorBoard: ${smoothing.value}`}>
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
