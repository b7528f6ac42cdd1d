/** Short notes of the page itself: what was copied, what in the address was not understood. */

import { signal } from "@preact/signals";

export interface Note {
  id: number;
  text: string;
}

export const notes = signal<readonly Note[]>([]);

const SHOWN_MS = 7000;
let last = 0;

export function note(text: string): void {
  if (notes.peek().some((shown) => shown.text === text)) return;
  last += 1;
  const id = last;
  notes.value = [...notes.peek(), { id, text }].slice(-3);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  notes.value = notes.peek().filter((shown) => shown.id !== id);
}
