/**
 * Positions: what the cursor moves over. An ordinal is the index of a position in writing order
 * over all segments of a run; series are logged at some of them.
 */

import { nth } from "./format";

export interface Position {
  /** One `fit`, counted from 1. */
  segment: number;
  /** Counted from 0, as in Keras' `epoch_*` tags. */
  epoch: number;
  /** Optimizer steps since the start of the `fit`; null at an epoch's end. */
  batch: number | null;
  /** The state that `fit` left behind. */
  final: boolean;
}

/** `[segment, epoch, count]` epoch ends in a row, or one position with a batch or final. */
export type PositionRun = [number, number, number, (number | null)?, boolean?];
/** `[first, count]` ordinals in a row. */
export type OrdinalRun = [number, number];

export function expand(runs: readonly PositionRun[]): Position[] {
  const out: Position[] = [];
  for (const [segment, epoch, count, batch = null, final = false] of runs) {
    for (let i = 0; i < count; i++) out.push({ segment, epoch: epoch + i, batch, final });
  }
  return out;
}

/** Sorted ordinals with the one at or before any other. */
export class Ordinals {
  readonly values: Int32Array;

  constructor(runs: readonly OrdinalRun[] | Int32Array) {
    if (runs instanceof Int32Array) {
      this.values = runs;
      return;
    }
    this.values = new Int32Array(runs.reduce((sum, [, count]) => sum + count, 0));
    let at = 0;
    for (const [first, count] of runs) {
      for (let i = 0; i < count; i++) this.values[at++] = first + i;
    }
  }

  get length(): number {
    return this.values.length;
  }

  /** The ordinal of the record with this index; -1 where there is none. */
  at(index: number): number {
    return this.values[index] ?? -1;
  }

  /** Index of the last one at or before an ordinal; -1 where none is. */
  atOrBefore(ordinal: number): number {
    let [from, to] = [0, this.values.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if ((this.values[middle] ?? 0) <= ordinal) from = middle + 1;
      else to = middle;
    }
    return from - 1;
  }

  /** What is shown at an ordinal: the last record at or before it, else the first there is. */
  nearest(ordinal: number): number {
    return this.length === 0 ? -1 : Math.max(this.atOrBefore(ordinal), 0);
  }
}

/** Return the ordinals at which a new segment begins, without the first segment's. */
export function seams(positions: readonly Position[]): number[] {
  const out: number[] = [];
  for (let i = 1; i < positions.length; i++) {
    if (positions[i]?.segment !== positions[i - 1]?.segment) out.push(i);
  }
  return out;
}

/** Within an epoch batches come first, then its end, then the state that `fit` left behind. */
function order(a: Position, b: Position): number {
  const rank = ({ batch, final }: Position) => (final ? Infinity : (batch ?? Number.MAX_VALUE));
  const [x, y] = [rank(a), rank(b)];
  return a.epoch - b.epoch || (x === y ? 0 : x - y);
}

/**
 * The ordinal of the same epoch and batch in another log: of the same segment, else of the newest
 * that has it. If none has it, the last one before it; if there is none before it, the first one.
 */
export function samePosition(
  requested: Position,
  positions: readonly Position[],
): { ordinal: number; exact: boolean } {
  let found: Position | undefined;
  let ordinal = 0;
  positions.forEach((position, i) => {
    if (order(position, requested) > 0) return;
    const nearer = found === undefined ? 1 : order(position, found);
    const own = found?.segment === requested.segment && position.segment !== requested.segment;
    if (nearer < 0 || (nearer === 0 && own)) return;
    [found, ordinal] = [position, i];
  });
  return { ordinal, exact: found !== undefined && order(found, requested) === 0 };
}

/** The last position of a segment. */
export function lastOf(positions: readonly Position[], segment: number): Position | undefined {
  return positions.findLast((position) => position.segment === segment);
}

function moment(position: Position): string {
  if (position.final) return ", end of fit";
  return position.batch === null ? "" : `, batch ${position.batch}`;
}

/** "epoch 9", "epoch 9, batch 300"; with the segment where the run has several. */
export function label(position: Position, segments = 1): string {
  const fit = segments > 1 ? ` · fit ${position.segment}` : "";
  return `epoch ${position.epoch}${moment(position)}${fit}`;
}

/** Name the position of a record: "epoch 35 (none logged at 37)" if another one was requested. */
export function snapshotLabel(
  positions: readonly Position[],
  ordinal: number,
  requested: number,
  segments: number,
): string {
  const [at, here] = [positions[ordinal], positions[requested]];
  if (at === undefined) return "";
  if (ordinal === requested || here === undefined) return label(at, segments);
  return `${shortLabel(at, here)} (none logged at ${shortLabel(here, at).slice(6)})`;
}

/** Name a position, with its fit only if that is not the fit of the one beside it. */
export const shortLabel = (position: Position, beside: Position | null) =>
  label(position, position.segment === beside?.segment ? 1 : 2);

/** As Keras prints it: "Epoch 10/12". */
export function kerasLabel(position: Position, epochs: number | null): string {
  return `Epoch ${position.epoch + 1}${epochs === null ? "" : `/${epochs}`}`;
}

/**
 * Which epoch of a fit it is: "10th of 12". Epochs count from 0, so this stands beside "epoch 9"
 * wherever the page names the position of the cursor.
 */
export function epochCount({ epoch }: Position, epochs: number | null): string {
  return nth(epoch + 1) + (epochs === null || epochs <= epoch ? "" : ` of ${epochs}`);
}

/** Return the shortest unique name of a position on an axis: "9", "9@300", "9@end". */
export function tick(position: Position): string {
  if (position.final) return `${position.epoch}@end`;
  return position.batch === null ? `${position.epoch}` : `${position.epoch}@${position.batch}`;
}

/** What stands in the URL: the tick, with `segment:` before it where a newer segment has it too. */
export function token(positions: readonly Position[], ordinal: number): string {
  const position = positions[ordinal];
  if (position === undefined) return "";
  const short = tick(position);
  return parseStep(short, positions) === ordinal ? short : `${position.segment}:${short}`;
}

const STEP = /^\s*(?:(\d+):)?(\d+)(?:@(\d+|end))?\s*$/;

/**
 * The ordinal that `12`, `2:12`, `2:12@300` or `12@end` names, null where there is none.
 *
 * Without a segment the newest that has it counts. An epoch of which only batches or the end of
 * `fit` were logged is found at the last of them.
 */
export function parseStep(text: string, positions: readonly Position[]): number | null {
  const found = STEP.exec(text);
  if (found === null) return null;
  const [, segment, epoch, batch] = found;
  let within: number | null = null;
  for (let i = positions.length - 1; i >= 0; i--) {
    const position = positions[i];
    if (position === undefined || position.epoch !== Number(epoch)) continue;
    if (segment !== undefined && position.segment !== Number(segment)) continue;
    if (within !== null && positions[within]?.segment !== position.segment) break;
    if (batch === "end" ? position.final : batch !== undefined && position.batch === Number(batch))
      return i;
    if (batch !== undefined) continue;
    if (position.batch === null && !position.final) return i;
    within ??= i;
  }
  return within;
}
