/** Values on the axis of positions: every chart shares that of the cursor. */

import { type JsonNumber, toNumber } from "./json";
import type { Ordinals } from "./positions";

/** One value a position: undefined where none was logged. */
export type Dense = (number | undefined)[];

/** What is held, with the values of some positions put in. */
export function place<T>(
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

/** The last position at or before an ordinal that has a value; -1 where none has. */
export function lookAt(values: readonly unknown[] | undefined, ordinal: number): number {
  let i = Math.min(ordinal, (values?.length ?? 0) - 1);
  while (i >= 0 && values?.[i] === undefined) i--;
  return i;
}

/** The last value at or before an ordinal. */
export const lastAt = <T>(
  values: readonly (T | undefined)[] | undefined,
  ordinal: number,
): T | undefined => values?.[lookAt(values, ordinal)];
