/** The predictions for a probe image at a position, and the class that it is of. */

import { lastCaptured } from "../model/byPosition";
import { number, percent } from "../model/format";
import { type ClassScore, topClass } from "../model/predictions";
import { samePhoto } from "../model/probes";
import { className, probe, probeAt } from "./selection";
import { predictions } from "./tables";

/**
 * Return the last prediction for an image at or before an ordinal. A new `fit` may use the same
 * index for another photograph, whose predictions do not count.
 */
export function predictionAt(image: number, ordinal: number): ClassScore[] | undefined {
  const history = predictions.value?.images[image];
  const at = lastCaptured(history, ordinal);
  return at >= 0 && isSame(image, at, ordinal) ? history?.[at] : undefined;
}

export function isSame(image: number, at: number, ordinal: number): boolean {
  const [then, now] = [probeAt(at), probeAt(ordinal)];
  return then === now || samePhoto(then, now, image);
}

export function scoreText(entry: ClassScore): string {
  const share = predictions.value?.scale !== "score" && Number.isFinite(entry.value);
  return share ? percent(entry.value) : number(entry.value);
}

/** Return the two names for "predicted astronaut 45% · true coffee". */
export function verdict(
  image: number,
  ordinal: number,
): { predicted: string; truth: string | null } {
  const list = predictionAt(image, ordinal);
  const top = topClass(list) === null ? undefined : list?.[0];
  const entry = probe.value?.images[image];
  const name = (index: number) => className(probe.value, index, image);
  const truth = entry?.class ?? (entry?.label == null ? null : name(entry.label));
  return {
    predicted:
      top === undefined
        ? number(list?.[0]?.value).replace("–", "")
        : `${name(top.class)} ${scoreText(top)}`,
    truth,
  };
}
