/** What belongs to the page and not to the view: open panels, theme, settings of the browser. */

import { signal } from "@preact/signals";
import { recall, remember } from "../host";

export type Panel = "notices" | "costs" | "help";

export const panel = signal<Panel | null>(null);
export const dark = signal(false);
/** Whether single letters are commands. */
export const letters = signal(recall("letters") !== "off");

export function togglePanel(which: Panel): void {
  panel.value = panel.peek() === which ? null : which;
}

export function setLetters(on: boolean): void {
  letters.value = on;
  remember("letters", on ? "on" : "off");
}

/** Saves what is shown; the view that is mounted says how. */
let saver: (() => void | Promise<void>) | null = null;

export function setSaver(save: (() => void | Promise<void>) | null): void {
  saver = save;
}

export function savePicture(): void | Promise<void> {
  return saver?.();
}
