/** Short notes of the page itself: what was copied, what in the address was not understood. */

import { signal } from "@preact/signals";

export interface Note {
  id: number;
  text: string;
  topic: string;
}

export const notes = signal<readonly Note[]>([]);

const SHOWN_MS = 7000;
let last = 0;

/** Say it for some seconds, in the place of what is still said on the same topic. */
export function note(text: string, topic = text): void {
  if (notes.peek().some((shown) => shown.text === text)) return;
  last += 1;
  const id = last;
  const others = notes.peek().filter((shown) => shown.topic !== topic);
  notes.value = [...others, { id, text, topic }].slice(-3);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  notes.value = notes.peek().filter((shown) => shown.id !== id);
}
