/** The predictions for one photograph over the run. */

import type { PredictionHistory } from "../model/predictions";
import { runIndex } from "./run";
import { predictions } from "./tables";
import { isSame } from "./verdict";

/** Return the predictions over the run for the photograph that an image is at an ordinal. */
export function predictionHistory(image: number, ordinal: number): PredictionHistory {
  const history = predictions.value?.images[image] ?? [];
  if (runIndex.value === null || runIndex.value.probes.size < 2) return history;
  return history.map((one, at) => (isSame(image, at, ordinal) ? one : undefined));
}
