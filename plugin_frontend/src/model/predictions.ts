/** The predictions for an image over the run: lines to plot, and when they changed. */

export interface ClassScore {
  class: number;
  value: number;
}

/** One list of the top classes per position; undefined if none was logged. */
export type PredictionHistory = readonly (readonly ClassScore[] | undefined)[];

/** Return the top class; null if its value is not finite, as with NaN in the weights. */
export function topClass(scores: readonly ClassScore[] | undefined): number | null {
  const top = scores?.[0];
  return top !== undefined && Number.isFinite(top.value) ? top.class : null;
}
