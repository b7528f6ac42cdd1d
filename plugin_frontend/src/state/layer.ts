/** The open layer and the selected channel of it. */

import { signal } from "@preact/signals";

/** The open layer; it stays selected while pictures of the whole model are shown. */
export const layer = signal<string | null>(null);

/** Number of the selected channel of the layer; null: a default is shown. */
export const channel = signal<number | null>(null);

/** The selected channels of layers that are not open now. */
const channelIn = new Map<string, number | null>();

/** The chosen layer while another replaces it: it lacks the kind, or the run lacks it. */
let replacedLayer: string | null = null;

/** Open a layer with the channel that was selected in it; other layers keep theirs. */
export function openLayer(to: string | null): void {
  const from = layer.peek();
  if (to === from) return;
  if (from !== null) {
    channelIn.set(from, channel.peek());
    channel.value = (to === null ? null : channelIn.get(to)) ?? null;
  }
  layer.value = to;
}

/** Open another layer in place of the chosen one. */
export function substituteLayer(to: string | null): void {
  replacedLayer ??= layer.peek();
  openLayer(to);
}

/** Return the chosen layer while another replaces it, else null. */
export const replaced = () => replacedLayer;

/** Return the chosen layer, whether it is shown or not. */
export const chosenLayer = () => replacedLayer ?? layer.peek();

/** Go back to the chosen layer. */
export function restoreChosenLayer(): void {
  if (replacedLayer !== null) openLayer(replacedLayer);
  replacedLayer = null;
}

/** Open no layer, and forget the channels that were selected. */
export function resetLayer(): void {
  channelIn.clear();
  replacedLayer = null;
  layer.value = null;
  channel.value = null;
}

/** Take the open layer for the chosen one. */
export function keepLayer(): void {
  replacedLayer = null;
}
