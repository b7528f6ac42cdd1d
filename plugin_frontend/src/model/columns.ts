/** Where the sheets of a series are: columns with one entry per record or per sheet. */

import type { SeriesAnswer, SheetRef } from "./answers";
import { type JsonNumber, toNumber } from "./json";
import { Ordinals } from "./positions";

export interface Columns {
  kind: string;
  layer: string;
  ordinals: Ordinals;
  writers: [string, number][];
  layouts: [string, number][];
  offset: number[];
  length: number[];
  crc: number[];
  lo: number[];
  hi: number[];
  /** 0.5 and 99.5 percentiles. */
  p: number[];
  q: number[];
}

/** Not every media has ranges: missing, or null. */
const numbers = (values: readonly JsonNumber[] | null | undefined) =>
  (values ?? []).map((value) => toNumber(value));

export function addColumns(
  old: Columns | undefined,
  kind: string,
  layer: string,
  answer: SeriesAnswer,
): Columns {
  const fresh = new Ordinals(answer.positions).values;
  const base = answer.since === 0 ? undefined : old;
  const known = base?.ordinals.values ?? new Int32Array(0);
  const both = new Int32Array(known.length + fresh.length);
  both.set(known);
  both.set(fresh, known.length);
  return {
    kind,
    layer,
    ordinals: new Ordinals(both),
    writers: [...(base?.writers ?? []), ...answer.writers],
    layouts: [...(base?.layouts ?? []), ...answer.layouts],
    offset: [...(base?.offset ?? []), ...answer.offset],
    length: [...(base?.length ?? []), ...answer.length],
    crc: [...(base?.crc ?? []), ...answer.crc],
    lo: [...(base?.lo ?? []), ...numbers(answer.lo)],
    hi: [...(base?.hi ?? []), ...numbers(answer.hi)],
    p: [...(base?.p ?? []), ...numbers(answer.p)],
    q: [...(base?.q ?? []), ...numbers(answer.q)],
  };
}

/** The value of a run-length coded column at a record. */
export function valueAt(runs: readonly [string, number][], record: number): string | null {
  let before = 0;
  for (const [value, count] of runs) {
    before += count;
    if (record < before) return value;
  }
  return null;
}

export type Counts = ReadonlyMap<string, { images: number }>;

/**
 * Return the index of a record's first sheet and how many it has: every layout has its own count,
 * at least one. Null if a layout before it is not known yet.
 */
function sheetsOfRecord(
  columns: Columns,
  record: number,
  layouts: Counts,
): [number, number] | null {
  let [start, before] = [0, 0];
  for (const [id, count] of columns.layouts) {
    const layout = layouts.get(id);
    if (layout === undefined) return null;
    const each = Math.max(layout.images, 1);
    if (record < before + count) return [start + (record - before) * each, each];
    start += count * each;
    before += count;
  }
  return null;
}

/** Null where the record has no such sheet. */
export function sheetRef(
  columns: Columns,
  record: number,
  sheet: number,
  layouts: Counts,
): SheetRef | null {
  const found = sheetsOfRecord(columns, record, layouts);
  if (found === null || sheet < 0 || sheet >= found[1]) return null;
  const at = found[0] + sheet;
  const writer = valueAt(columns.writers, record);
  const [offset, length, crc] = [columns.offset[at], columns.length[at], columns.crc[at]];
  if (writer === null || offset === undefined || length === undefined || crc === undefined) {
    return null;
  }
  return { writer, offset, length, crc };
}

/** Return the largest finite value; minus infinity if there is none. */
export function largest(values: readonly number[]): number {
  return values.reduce(
    (maximum, value) => (Number.isFinite(value) ? Math.max(maximum, value) : maximum),
    Number.NEGATIVE_INFINITY,
  );
}
