/** The one cursor. Images, curves, numbers and captions all show the position it is at. */

import { batch, computed, effect, signal } from "@preact/signals";
import { generation, lastOrdinal, positions } from "./run";

/** Ordinal of the position; -1 while the run has none. */
export const cursor = signal(-1);
/** The pinned position that a comparison starts from. */
export const pinned = signal<number | null>(null);
/** A position one points at without going there. */
export const ghost = signal<number | null>(null);
export const follow = signal(true);
/** 1 forwards, -1 backwards: where to the cursor went last. */
export const direction = signal<1 | -1>(1);
const seen = signal(0);

export const position = computed(() => positions.value[cursor.value] ?? null);
/** Positions that came since Follow was left. */
export const unseen = computed(() =>
  follow.value ? 0 : Math.max(0, positions.value.length - seen.value),
);
/** What the read-outs of charts show; all else is of the cursor. */
export const looked = computed(() => ghost.value ?? cursor.value);

function put(ordinal: number): void {
  const to = Math.min(Math.max(ordinal, 0), lastOrdinal.peek());
  const from = cursor.peek();
  if (to !== from && from >= 0) direction.value = to < from ? -1 : 1;
  cursor.value = to;
}

/** Go to a position by hand; leaves Follow. */
export function moveTo(ordinal: number): void {
  if (lastOrdinal.peek() < 0 || !Number.isFinite(ordinal)) return;
  batch(() => {
    if (follow.peek()) seen.value = positions.peek().length;
    follow.value = false;
    put(Math.round(ordinal));
    if (cursor.peek() === lastOrdinal.peek()) seen.value = positions.peek().length;
  });
}

export const moveBy = (count: number) => moveTo(cursor.peek() + count);

export function setFollow(on: boolean): void {
  batch(() => {
    follow.value = on;
    seen.value = positions.peek().length;
    if (on) put(lastOrdinal.peek());
  });
}

/** New positions move the cursor only while Follow is on. */
effect(() => {
  const last = lastOrdinal.value;
  batch(() => {
    if (last < 0) cursor.value = -1;
    else if (cursor.peek() < 0) {
      seen.value = last + 1;
      put(last);
    } else if (follow.peek()) put(last);
    else if (cursor.peek() > last) put(last);
    if (seen.peek() > last + 1) seen.value = last + 1;
  });
});

/** What was pointed at is not there any more after a change of run or of its log. */
effect(() => {
  void generation.value;
  ghost.value = null;
});
