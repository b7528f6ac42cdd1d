/** Playing: the cursor goes on by itself, as fast as pictures arrive. */

import { signal } from "@preact/signals";
import type { Stop } from "../host/stops";
import { cursor, moveTo } from "./cursor";
import { lastOrdinal } from "./run";

export const SPEEDS = [1, 2, 4, 8, 16, 30] as const;

export const playing = signal(false);
/** Positions a second. */
export const speed = signal(4);

let timer: ReturnType<typeof setTimeout> | undefined;
let ready: () => boolean = () => true;

/** Let playing wait for something before it goes on. */
export function connectPlay(isReady: () => boolean): Stop {
  ready = isReady;
  return () => {
    pause();
    ready = () => true;
  };
}

export function play(): void {
  if (lastOrdinal.peek() < 1) return;
  if (cursor.peek() >= lastOrdinal.peek()) moveTo(0);
  playing.value = true;
  clearTimeout(timer);
  timer = setTimeout(advance, 1000 / speed.peek());
}

export function pause(): void {
  playing.value = false;
  clearTimeout(timer);
}

export function togglePlay(): void {
  if (playing.peek()) pause();
  else play();
}

export function changeSpeed(by: 1 | -1): void {
  const at = (SPEEDS as readonly number[]).indexOf(speed.peek());
  speed.value = SPEEDS[Math.min(Math.max(at + by, 0), SPEEDS.length - 1)] ?? speed.peek();
}

function advance(): void {
  if (!playing.peek()) return;
  if (ready()) moveTo(cursor.peek() + 1);
  if (cursor.peek() >= lastOrdinal.peek()) pause();
  else timer = setTimeout(advance, 1000 / speed.peek());
}
