/** The predictions for an image over the run: lines to plot, and when they changed. */

import { type PredictionHistory, topClass } from "./predictions";

export interface PredictionChange {
  ordinal: number;
  from: number;
  to: number;
}

/** Return where the top class differs from that of the prediction before. */
export function predictionChanges(history: PredictionHistory): PredictionChange[] {
  const out: PredictionChange[] = [];
  let before: number | null = null;
  history.forEach((scores, ordinal) => {
    const top = topClass(scores);
    if (top === null) return;
    if (before !== null && top !== before) out.push({ ordinal, from: before, to: top });
    before = top;
  });
  return out;
}

/**
 * Return the classes to plot, at maxima `room`: the true one, those that were on top (the longest
 * first), then those that came closest to it.
 */
export function classesToPlot(
  history: PredictionHistory,
  truth: number | null,
  room: number,
): number[] {
  const times = new Map<number, number>();
  const maxima = new Map<number, number>();
  for (const scores of history) {
    scores?.forEach(({ class: index, value }, rank) => {
      if (rank === 0 && Number.isFinite(value)) times.set(index, (times.get(index) ?? 0) + 1);
      if (Number.isFinite(value)) maxima.set(index, Math.max(maxima.get(index) ?? value, value));
    });
  }
  const rank = (index: number) => (index === truth ? Number.POSITIVE_INFINITY : times.get(index));
  const all = new Set([...(truth === null || maxima.size === 0 ? [] : [truth]), ...maxima.keys()]);
  return [...all]
    .sort((a, b) => {
      const [x, y] = [rank(a) ?? 0, rank(b) ?? 0];
      return x === y ? (maxima.get(b) ?? 0) - (maxima.get(a) ?? 0) : y - x;
    })
    .slice(0, room);
}

/**
 * Return the values of a class: undefined where nothing was logged, NaN (which breaks a line)
 * where the class was not among the logged ones.
 */
export function scoresOf(history: PredictionHistory, index: number): (number | undefined)[] {
  return history.map((scores) =>
    scores === undefined
      ? undefined
      : (scores.find((score) => score.class === index)?.value ?? Number.NaN),
  );
}

/** Count the predictions, and those that are the true class; null if there is nothing to count. */
export function countCorrect(
  history: PredictionHistory,
  truth: number | null,
): { correct: number; total: number } | null {
  const tops = history.flatMap((scores) => (scores?.[0] === undefined ? [] : topClass(scores)));
  if (truth === null || tops.length === 0) return null;
  return { correct: tops.filter((top) => top === truth).length, total: tops.length };
}

const COLORS = 8;

/**
 * Names of the colors of some classes: a class has the same one with every image, unless a class
 * before it in the list has it already.
 */
export function colorsOf(classes: readonly number[]): Map<number, string> {
  const taken = new Set<number>();
  return new Map(
    classes.map((index) => {
      let color = index % COLORS;
      while (taken.has(color) && taken.size < COLORS) color = (color + 1) % COLORS;
      taken.add(color);
      return [index, `--class-${color}`];
    }),
  );
}
