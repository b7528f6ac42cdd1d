/** Values on the axis of positions: every chart shares that of the cursor. */

import { type JsonNumber, toNumber } from "./json";
import type { Ordinals } from "./positions";

/** One value per position: undefined if none was logged. */
export type ByPosition = (number | undefined)[];

/** Return a copy of `held` with the values of some positions merged in. */
export function mergeValues<T>(
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

export const numbers = (values: readonly (JsonNumber | null)[]) => values.map((v) => toNumber(v));

/** Return the last position at or before an ordinal that has a value; -1 if none has. */
export function lastCaptured(values: readonly unknown[] | undefined, ordinal: number): number {
  let i = Math.min(ordinal, (values?.length ?? 0) - 1);
  while (i >= 0 && values?.[i] === undefined) i--;
  return i;
}

/** Return the last value at or before an ordinal. */
export const lastValueAt = <T>(
  values: readonly (T | undefined)[] | undefined,
  ordinal: number,
): T | undefined => values?.[lastCaptured(values, ordinal)];
