/** Tables of the open run: scalars, predictions, model, costs; fetched as they grow. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import {
  type CostSegment,
  getCosts,
  getModel,
  getPredictions,
  getScalars,
  type ModelAnswer,
  type PredictionsAnswer,
  type ScalarsAnswer,
} from "../api";
import { type Dense, numbers, place } from "../byPosition";
import { type Costs, costsOf } from "../costs";
import { PREDICTIONS } from "../families";
import { type JsonNumber, toNumber } from "../json";
import { Ordinals } from "../positions";
import type { Guess } from "../predictions";
import { follower, once } from "./follower";
import { clearHealth, refreshBase, refreshParts } from "./health";
import { generation, heads, run, secondsSince } from "./run";
import type { Heads } from "./runIndex";
import { kind } from "./selection";

export interface Scalars {
  source: "store" | "tensorboard";
  tags: ReadonlyMap<string, Dense>;
}

export interface Predictions {
  scale: "probability" | "score";
  /** One list an image, in it the strongest classes a position. */
  images: (Guess[] | undefined)[][];
}

export const scalars = signal<Scalars | null>(null);
export const predictions = signal<Predictions | null>(null);
export const model = signal<ModelAnswer | null>(null);
/** What looking took, a sum a segment. */
export const costSegments = signal<readonly CostSegment[]>([]);

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
const followPredictions = follower(getPredictions, (answer, first) => {
  predictions.value = addPredictions(first ? null : predictions.peek(), answer);
});

const followModel = once(getModel, (answer) => {
  model.value = answer;
});
const followCosts = once(getCosts, (answer) => {
  costSegments.value = answer.segments;
});

/** Whether all that names layers of the open run has been asked for and has answered once. */
export const tablesAsked = signal(false);

/**
 * Ask for what the heads say is new. The server answers one after another, so what is seen first
 * is asked for first: curves and layers, then what is looked at of their health, then the rest.
 */
export async function refreshTables(): Promise<void> {
  const name = run.peek();
  const now = heads.peek();
  if (name === null || now === null) return;
  const { metrics, predictions: predicted } = now.latest;
  const born = generation.peek();
  const minds = async () => {
    if (predicted !== null) await followPredictions(name, predicted);
  };
  await Promise.all([
    // Without metrics in the store TensorBoard's own scalars are asked for, at each new position.
    now.positions.length > 0 && followScalars(name, metrics ?? now.positions.length - 1),
    refreshBase(),
    now.segments.length > 0 && followModel(name, now.segments.length),
    kind.peek() === PREDICTIONS && minds(),
  ]);
  if (born !== generation.peek()) return;
  tablesAsked.value = true;
  await refreshParts();
  if (born === generation.peek()) await minds();
  if (born === generation.peek() && now.positions.length > 0) await followCosts(name, now.cursor);
}

export function clearTables(): void {
  scalars.value = null;
  predictions.value = null;
  model.value = null;
  costSegments.value = [];
  tablesAsked.value = false;
  clearHealth();
}

/** What looking took of the newest fit. */
export const costs: ReadonlySignal<Costs> = computed(() => costsOf(costSegments.value.slice(-1)));
