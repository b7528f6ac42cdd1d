/** Layers that are not finite, in words. */

import { label, tick } from "../positions";
import type { Advice } from "../store/health";
import { positions, segmentCount } from "../store/run";

const placed = (ordinal: number) => positions.value[ordinal];

/** "4": where it began, as on the axes. */
export function tickAt(ordinal: number): string {
  const position = placed(ordinal);
  return position === undefined ? "?" : tick(position);
}

/** "NaN since epoch 4". */
export function brokenSince({ text, ordinal }: Advice): string {
  const position = placed(ordinal);
  return position === undefined ? text : `${text} since ${label(position, segmentCount.value)}`;
}

export const brokenHelp = (ill: Advice) =>
  `${brokenSince(ill)}: the weights or outputs of this layer, or of one before it, are not finite. ` +
  "Its other numbers and its pictures mean nothing.";

/** Numbers that mean nothing of a layer that is not finite. */
export const MEANINGLESS: ReadonlySet<string> = new Set([
  "dead",
  "saturated",
  "duplicates",
  "sparsity",
]);
