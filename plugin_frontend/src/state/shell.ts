/** State of the page that is not part of the view: open panels, theme, browser settings. */

import { signal } from "@preact/signals";
import { onDarkMode, recall, remember } from "../host/host";
import type { Stop } from "../host/stops";

export type Panel = "notices" | "costs" | "help";

export const panel = signal<Panel | null>(null);
export const dark = signal(false);
/** Whether single-key shortcuts are enabled. */
export const letters = signal(true);

export function togglePanel(which: Panel): void {
  panel.value = panel.peek() === which ? null : which;
}

export function setLetters(on: boolean): void {
  letters.value = on;
  remember("letters", on ? "on" : "off");
}

/** Saves the picture; set by the mounted view. */
let saver: (() => void | Promise<void>) | null = null;

export function setSaver(save: (() => void | Promise<void>) | null): void {
  saver = save;
}

export function savePicture(): void | Promise<void> {
  return saver?.();
}

/** Read the settings of this browser, and take the theme of TensorBoard. */
export function connectShell(): Stop {
  letters.value = recall("letters") !== "off";
  return onDarkMode((on) => {
    dark.value = on;
    document.documentElement.dataset.theme = on ? "dark" : "light";
  });
}
