/** Tables of the open run: scalars, predictions, model, costs; fetched as they grow. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import type { CostSegment, ModelAnswer } from "../model/answers";
import { type CostTable, costsOf } from "../model/costs";
import { PREDICTIONS } from "../model/families";
import type { RunIndex } from "../model/runIndex";
import { addPredictions, addScalars, type PredictionTable, type Scalars } from "../model/tables";
import { getCosts, getModel, getPredictions, getScalars } from "../net/api";
import { follower, once } from "./follower";
import { clearHealth, refreshBase, refreshQueries } from "./health";
import { generation, run, runIndex, secondsSince } from "./run";
import { kind } from "./selection";

export const scalars = signal<Scalars | null>(null);
export const predictions = signal<PredictionTable | null>(null);
export const model = signal<ModelAnswer | null>(null);
/** The costs of logging, one sum per segment. */
export const costSegments = signal<readonly CostSegment[]>([]);

/** TensorBoard has read the event files of a run that ended this many seconds ago. */
const LONG_ENDED_S = 60;

/**
 * Return whether scalars are complete. TensorBoard reads event files later than the store is
 * read: its own scalars of an epoch may come after the position of its end.
 */
export function scalarsAreComplete(held: Scalars, now: RunIndex): boolean {
  if (held.source === "store" && held.tags.size > 0) return true;
  const newest = now.segments.at(-1);
  const last = newest?.ended ?? newest?.last ?? null;
  if (newest?.status !== "live" && (last === null || secondsSince(last) > LONG_ENDED_S))
    return true;
  const ends = now.positions.flatMap(({ batch, final }, at) =>
    batch === null && !final ? at : [],
  );
  const [before, end] = [ends.at(-2), ends.at(-1)];
  if (end === undefined) return true;
  const tags = [...held.tags.values()];
  return (
    tags.some((values) => values[end] !== undefined) &&
    // The validation metrics may arrive later than those of training.
    tags.every((v) => before === undefined || v[before] === undefined || v[end] !== undefined)
  );
}

const followScalars = follower(
  getScalars,
  (answer, first) => {
    scalars.value = addScalars(first ? null : scalars.peek(), answer);
  },
  () => {
    const [held, now] = [scalars.peek(), runIndex.peek()];
    return held === null || now === null || scalarsAreComplete(held, now);
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

/** Whether every table that names layers of the open run has been requested and has answered once. */
export const tablesRequested = signal(false);

/**
 * Request what is new by the index. The server answers one request after another, so the visible
 * tables come first: curves and layers, then the subscribed parts of their health, then the rest.
 */
export async function refreshTables(): Promise<void> {
  const name = run.peek();
  const now = runIndex.peek();
  if (name === null || now === null) return;
  const { metrics, predictions: predicted } = now.latest;
  const startGeneration = generation.peek();
  const refreshPredictions = async () => {
    if (predicted !== null) await followPredictions(name, predicted);
  };
  await Promise.all([
    // Without metrics in the store TensorBoard's own scalars are requested, at each new position.
    now.positions.length > 0 && followScalars(name, metrics ?? now.positions.length - 1),
    refreshBase(),
    now.segments.length > 0 && followModel(name, now.segments.length),
    kind.peek() === PREDICTIONS && refreshPredictions(),
  ]);
  if (startGeneration !== generation.peek()) return;
  tablesRequested.value = true;
  await refreshQueries();
  if (startGeneration === generation.peek()) await refreshPredictions();
  if (startGeneration === generation.peek() && now.positions.length > 0)
    await followCosts(name, now.cursor);
}

export function clearTables(): void {
  scalars.value = null;
  predictions.value = null;
  model.value = null;
  costSegments.value = [];
  tablesRequested.value = false;
  clearHealth();
}

/** The costs of the newest fit. */
export const costs: ReadonlySignal<CostTable> = computed(() =>
  costsOf(costSegments.value.slice(-1)),
);
