/** Short notes of the page itself, such as an invalid address. */

import { signal } from "@preact/signals";

export interface Note {
  id: number;
  text: string;
  topic: string;
}

export const notes = signal<readonly Note[]>([]);

const SHOWN_MS = 7000;
let last = 0;

/** Show a note for some seconds; it replaces an older one on the same topic. */
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
