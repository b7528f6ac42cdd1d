/**
 * Numbers over the run: scalars, health, predictions. Fetched piece by piece as they grow and
 * held one value a position, so that every chart shares the axis of the cursor.
 */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  type CostSegment,
  getCosts,
  getHealth,
  getModel,
  getPredictions,
  getScalars,
  type HealthAnswer,
  type ModelAnswer,
  type PredictionsAnswer,
  type ScalarsAnswer,
} from "../api";
import { type Costs, costsOf } from "../costs";
import { type JsonNumber, toNumber } from "../json";
import type { Guess } from "../minds";
import { Ordinals } from "../positions";
import { looked } from "./cursor";
import { follower } from "./follower";
import type { Heads } from "./heads";
import { generation, heads, run, secondsSince } from "./run";
import { healthLayers } from "./selection";

/** One value a position: undefined where none was logged. */
export type Dense = (number | undefined)[];

export interface Scalars {
  source: "store" | "tensorboard";
  tags: ReadonlyMap<string, Dense>;
}

/** What holds of a layer from a position on, in a line; null: what held does no more. */
interface Told {
  ordinal: number;
  layer: string;
  rule: string;
  text: string | null;
}

export interface Advice extends Told {
  text: string;
}

export interface Health {
  layers: string[];
  channels: (number | null)[];
  /** Statistic name to one list a layer. */
  numbers: ReadonlyMap<string, Dense[]>;
  /** Ordinals that have a record, ascending. */
  at: number[];
  /** Changes, in the order of positions. */
  advice: Told[];
}

export interface Predictions {
  scale: "probability" | "score";
  /** One list an image, in it the strongest classes a position. */
  images: (Guess[] | undefined)[][];
}

export const scalars = signal<Scalars | null>(null);
export const health = signal<Health | null>(null);
export const predictions = signal<Predictions | null>(null);
export const model = signal<ModelAnswer | null>(null);
/** What looking took, a sum a segment. */
export const costSegments = signal<readonly CostSegment[]>([]);

export function place<T>(
  held: readonly (T | undefined)[] | undefined,
  ordinals: Ordinals,
  values: readonly (T | null)[],
): (T | undefined)[] {
  const out = held === undefined ? [] : [...held];
  values.forEach((value, i) => {
    out[ordinals.at(i)] = value ?? undefined;
  });
  return out;
}

const numbers = (values: readonly (JsonNumber | null)[]) => values.map((v) => toNumber(v));

function columns(
  held: ReadonlyMap<string, Dense> | undefined,
  ordinals: Ordinals,
  answer: Record<string, (JsonNumber | null)[]>,
): ReadonlyMap<string, Dense> {
  const out = new Map(held);
  for (const [name, values] of Object.entries(answer)) {
    out.set(name, place(out.get(name), ordinals, numbers(values)));
  }
  return out;
}

export function addScalars(held: Scalars | null, answer: ScalarsAnswer): Scalars {
  const ordinals = new Ordinals(answer.positions);
  return {
    source: answer.source,
    tags: columns(held?.tags, ordinals, answer.tags),
  };
}

export function addHealth(held: Health | null, answer: HealthAnswer): Health {
  const ordinals = new Ordinals(answer.positions);
  const out = new Map<string, Dense[]>();
  for (const [name, lists] of Object.entries(answer.numbers)) {
    const before = held?.numbers.get(name);
    const perLayer = answer.layers.map((layer, i) => {
      const at = held?.layers.indexOf(layer) ?? -1;
      return place(at < 0 ? undefined : before?.[at], ordinals, numbers(lists[i] ?? []));
    });
    out.set(name, perLayer);
  }
  const first = answer.positions[0]?.[0] ?? Number.POSITIVE_INFINITY;
  return {
    layers: answer.layers,
    channels: answer.channels,
    numbers: out,
    at: [...(held?.at ?? []).filter((ordinal) => ordinal < first), ...ordinals.values],
    advice: [
      ...(held?.advice ?? []).filter(({ ordinal }) => ordinal < first),
      ...(answer.advice ?? []).map(([ordinal, layer, rule, text]) => ({
        ordinal,
        layer,
        rule,
        text,
      })),
    ],
  };
}

export function addPredictions(held: Predictions | null, answer: PredictionsAnswer): Predictions {
  const ordinals = new Ordinals(answer.positions);
  const images = answer.images.map((values, image) =>
    place(
      held?.images[image],
      ordinals,
      values.map(
        (top) => top?.map(([index, value]) => ({ class: index, value: toNumber(value) })) ?? null,
      ),
    ),
  );
  return { scale: answer.scale, images };
}

/** The event files of a run that ended this many seconds ago have been read by now. */
const LONG_ENDED_S = 60;

/**
 * Whether scalars will stay as they are. TensorBoard reads event files later than the store is
 * read: its own scalars of an epoch may come after the position of its end.
 */
export function scalarsAreWhole(of: Scalars, now: Heads): boolean {
  if (of.source === "store" && of.tags.size > 0) return true;
  const newest = now.segments.at(-1);
  const last = newest?.ended ?? newest?.last ?? null;
  if (newest?.status !== "live" && (last === null || secondsSince(last) > LONG_ENDED_S))
    return true;
  const ends = now.positions.flatMap(({ batch, final }, at) =>
    batch === null && !final ? at : [],
  );
  const [before, end] = [ends.at(-2), ends.at(-1)];
  if (end === undefined) return true;
  const tags = [...of.tags.values()];
  return (
    tags.some((values) => values[end] !== undefined) &&
    // The validation's may come later still than those of the training.
    tags.every((v) => before === undefined || v[before] === undefined || v[end] !== undefined)
  );
}

const followScalars = follower(
  getScalars,
  (answer, first) => {
    scalars.value = addScalars(first ? null : scalars.peek(), answer);
  },
  () => {
    const [of, now] = [scalars.peek(), heads.peek()];
    return of === null || now === null || scalarsAreWhole(of, now);
  },
);
const followHealth = follower(getHealth, (answer, first) => {
  health.value = addHealth(first ? null : health.peek(), answer);
  // The same list anew would have all that hangs on it asked and drawn again.
  const { layers } = health.value;
  if (layers.join("\n") !== healthLayers.peek().join("\n")) healthLayers.value = layers;
});
const followPredictions = follower(getPredictions, (answer, first) => {
  predictions.value = addPredictions(first ? null : predictions.peek(), answer);
});

/** Asks anew when the key is another one; what is answered late is left. */
function once<A>(ask: (run: string) => Promise<A>, take: (answer: A) => void) {
  let of = "";
  return async (name: string, key: string | number): Promise<void> => {
    const born = generation.peek();
    const now = `${born}:${key}`;
    if (of === now) return;
    of = now;
    try {
      const answer = await ask(name);
      if (born === generation.peek()) take(answer);
    } catch {
      // It was not logged yet, or the server is away: asked again at the next answer.
      if (of === now) of = "";
    }
  };
}

const followModel = once(getModel, (answer) => {
  model.value = answer;
});
const followCosts = once(getCosts, (answer) => {
  costSegments.value = answer.segments;
});

/** Whether all tables of the open run have been asked for and have answered once. */
export const tablesAsked = signal(false);

/** Ask for what the heads say is new. */
export async function refreshTables(): Promise<void> {
  const name = run.peek();
  const now = heads.peek();
  if (name === null || now === null) return;
  const { metrics, health: healthy, predictions: predicted } = now.latest;
  const born = generation.peek();
  await Promise.all([
    // Without metrics in the store TensorBoard's own scalars are asked for, at each new position.
    now.positions.length > 0 && followScalars(name, metrics ?? now.positions.length - 1),
    healthy !== null && followHealth(name, healthy),
    predicted !== null && followPredictions(name, predicted),
    now.segments.length > 0 && followModel(name, now.segments.length),
    now.positions.length > 0 && followCosts(name, now.cursor),
  ]);
  if (born === generation.peek()) tablesAsked.value = true;
}

export function clearTables(): void {
  scalars.value = null;
  health.value = null;
  predictions.value = null;
  model.value = null;
  costSegments.value = [];
  healthLayers.value = [];
  tablesAsked.value = false;
}

/** One health number of a layer at the last record at or before an ordinal. */
export function healthAt(layer: string, statistic: string, ordinal: number): number | undefined {
  const held = health.value;
  const index = held?.layers.indexOf(layer) ?? -1;
  if (held === null || index < 0) return undefined;
  const values = held.numbers.get(statistic)?.[index];
  for (let i = Math.min(ordinal, (values?.length ?? 0) - 1); i >= 0; i--) {
    if (values?.[i] !== undefined) return values[i];
  }
  return undefined;
}

/** What holds at an ordinal: of each layer and rule the last that was told. */
export function holding(told: readonly Told[], ordinal: number): Advice[] {
  const last = new Map<string, Told>();
  for (const one of told) {
    if (one.ordinal <= ordinal) last.set(`${one.layer}\n${one.rule}`, one);
  }
  return [...last.values()].filter((one): one is Advice => one.text !== null);
}

/** What to do about the layers as they are at the position that one looks at. */
export const adviceNow = computed(() => holding(health.value?.advice ?? [], looked.value));

/** What looking took of the newest fit. */
export const costs: ReadonlySignal<Costs> = computed(() => costsOf(costSegments.value.slice(-1)));
