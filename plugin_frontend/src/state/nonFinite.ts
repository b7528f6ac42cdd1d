/** Texts about layers that are not finite. */

import type { ActiveStatus } from "../model/health";
import { label, tick } from "../model/positions";
import { positions, segmentCount } from "./run";

const positionAt = (ordinal: number) => positions.value[ordinal];

/** Name a position as on the axes: "4". */
export function tickAt(ordinal: number): string {
  const position = positionAt(ordinal);
  return position === undefined ? "?" : tick(position);
}

/** Describe a status with its start: "NaN since epoch 4". */
export function nonFiniteSince({ text, ordinal }: ActiveStatus): string {
  const position = positionAt(ordinal);
  return position === undefined ? text : `${text} since ${label(position, segmentCount.value)}`;
}

export const nonFiniteHelp = (status: ActiveStatus) =>
  `${nonFiniteSince(status)}: the weights or outputs of this layer, or of an earlier one, are not finite. ` +
  "Ignore its other numbers and its pictures.";

/** Statistics that are meaningless for a layer that is not finite. */
export const MEANINGLESS: ReadonlySet<string> = new Set([
  "dead",
  "saturated",
  "duplicates",
  "sparsity",
]);
