/** The selected probe image. Each model that shares a run keeps the one that was selected for it. */

import { computed, effect, signal } from "@preact/signals";
import type { Stop } from "../host/stops";
import { imagesByLayer } from "../model/probes";
import { runIndex } from "./run";

/** The image that was selected last; a probe that lacks it shows its first. */
export const image = signal(0);

/** All images that were selected, the last one first. */
const recentImages = signal<readonly number[]>([]);

const layouts = computed(() => runIndex.value?.layouts ?? null);
const byLayer = computed(() => imagesByLayer(layouts.value?.values() ?? []));

/** Return the probe images of a layer's model; null if nothing shows which they are. */
export const modelImages = (layer: string | null) => byLayer.value.get(layer ?? "") ?? null;

/** Return the image to show of a layer: the last one that was selected of those of its model. */
export function imageFor(layer: string | null): number {
  const own = modelImages(layer);
  const selected = [image.value, ...recentImages.value];
  if (own === null) return image.value;
  return selected.find((one) => own.includes(one)) ?? own[0] ?? image.value;
}

/** Forget which images were selected. */
export function resetImage(): void {
  recentImages.value = [];
}

function remember(): void {
  const last = image.value;
  recentImages.value = [last, ...recentImages.peek().filter((one) => one !== last)];
}

export const connectImage = (): Stop => effect(remember);
