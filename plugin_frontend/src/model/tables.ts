/** Tables of metrics and predictions: (what is known, an answer) => what is known now. */

import type { PredictionsAnswer, ScalarsAnswer } from "./answers";
import { type ByPosition, mergeValues, numbers } from "./byPosition";
import { type JsonNumber, toNumber } from "./json";
import { Ordinals } from "./positions";
import type { ClassScore } from "./predictions";

export interface Scalars {
  source: "store" | "tensorboard";
  tags: ReadonlyMap<string, ByPosition>;
}

export interface PredictionTable {
  scale: "probability" | "score";
  /** One list per image, in it the top classes per position. */
  images: (ClassScore[] | undefined)[][];
}

function columns(
  held: ReadonlyMap<string, ByPosition> | undefined,
  ordinals: Ordinals,
  answer: Record<string, (JsonNumber | null)[]>,
): ReadonlyMap<string, ByPosition> {
  const out = new Map(held);
  for (const [name, values] of Object.entries(answer)) {
    out.set(name, mergeValues(out.get(name), ordinals, numbers(values)));
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

export function addPredictions(
  held: PredictionTable | null,
  answer: PredictionsAnswer,
): PredictionTable {
  const ordinals = new Ordinals(answer.positions);
  const images = answer.images.map((values, image) =>
    mergeValues(
      held?.images[image],
      ordinals,
      values.map(
        (top) => top?.map(([index, value]) => ({ class: index, value: toNumber(value) })) ?? null,
      ),
    ),
  );
  return { scale: answer.scale, images };
}
