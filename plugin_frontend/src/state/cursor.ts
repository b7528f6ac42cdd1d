/** The one cursor. Images, curves, numbers and captions all show the position it is at. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { type Stop, stopAll } from "../host/stops";
import { label, type Position, samePosition } from "../model/positions";
import { note } from "./notes";
import { generation, lastOrdinal, positions } from "./run";

/** Ordinal of the position; -1 while the run has none. */
export const cursor = signal(-1);
/** The pinned position that a comparison starts from. */
export const pinned = signal<number | null>(null);
/** The position under the pointer. */
export const ghost = signal<number | null>(null);
export const follow = signal(true);
/** 1 forwards, -1 backwards: where to the cursor went last. */
export const direction = signal<1 | -1>(1);
/** The position that was chosen by hand. In another run or log it is found by its epoch. */
export const chosenPosition = signal<Position | null>(null);
const seen = signal(0);

export const position = computed(() => positions.value[cursor.value] ?? null);
/** Positions that came since Follow was left. */
export const unseen = computed(() =>
  follow.value ? 0 : Math.max(0, positions.value.length - seen.value),
);
/** The position whose values the charts print; everything else shows the cursor. */
export const readoutOrdinal = computed(() => ghost.value ?? cursor.value);

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
    chosenPosition.value = position.peek();
    if (cursor.peek() === lastOrdinal.peek()) seen.value = positions.peek().length;
  });
}

export const moveBy = (count: number) => moveTo(cursor.peek() + count);

export function setFollow(on: boolean): void {
  batch(() => {
    if (follow.peek() && !on) chosenPosition.value = position.peek();
    follow.value = on;
    seen.value = positions.peek().length;
    if (on) put(lastOrdinal.peek());
  });
}

/** The generation that the cursor's ordinal belongs to. */
let cursorGeneration = -1;

/** Find the cursor's position in a log that was opened or replaced. */
function findAgain(): number {
  const [chosen, list] = [chosenPosition.peek(), positions.peek()];
  if (chosen === null) return cursor.peek() < 0 ? list.length - 1 : cursor.peek();
  const { ordinal, exact } = samePosition(chosen, list);
  const here = list[ordinal];
  if (!exact && here !== undefined) {
    note(`There is no ${label(chosen)} in this run; showing ${label(here)}.`, "moment");
  }
  return ordinal;
}

/** New positions move the cursor only while Follow is on; another log keeps its epoch. */
function trackPositions(): void {
  const [last, currentGeneration] = [lastOrdinal.value, generation.value];
  untracked(() =>
    batch(() => {
      if (last < 0) cursor.value = -1;
      else {
        const other = currentGeneration !== cursorGeneration || cursor.peek() < 0;
        if (other) seen.value = last + 1;
        if (follow.peek()) put(last);
        else if (other) put(findAgain());
        else if (cursor.peek() > last) put(last);
        cursorGeneration = currentGeneration;
      }
      if (seen.peek() > last + 1) seen.value = last + 1;
    }),
  );
}

/** Drop the pointer's position after a change of run or of its log. */
function dropGhost(): void {
  void generation.value;
  ghost.value = null;
}

export const connectCursor = (): Stop => stopAll(effect(trackPositions), effect(dropGhost));
