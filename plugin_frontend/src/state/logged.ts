/** Which kinds of picture were logged, and of which layers. */

import { computed, signal } from "@preact/signals";
import { HEALTH, PREDICTIONS } from "../model/families";
import { ordered } from "../model/tabs";
import { layer } from "./layer";
import { runIndex } from "./run";

/** Layers with health records; null until they are known. */
export const healthLayers = signal<readonly string[] | null>(null);

/** Whether there is health, but it is not known yet of which layers. */
export const healthComes = computed(
  () => healthLayers.value === null && (runIndex.value?.latest.health ?? null) !== null,
);

/** The layer path of pictures of the whole model. */
export const WHOLE = "";

const kindsByLayer = computed(() => {
  const out = new Map<string, Set<string>>();
  const add = (path: string, kind: string) => {
    const kinds = out.get(path) ?? new Set();
    out.set(path, kinds.add(kind));
  };
  for (const series of runIndex.value?.series.values() ?? []) add(series.layer, series.kind);
  for (const path of healthLayers.value ?? []) add(path, HEALTH);
  // Assume that the open layer has it: else another tab would open for a moment.
  if (healthComes.value && layer.value) add(layer.value, HEALTH);
  if (runIndex.value !== null && runIndex.value.latest.predictions !== null)
    add(WHOLE, PREDICTIONS);
  return out;
});

export const layered = computed(() =>
  [...kindsByLayer.value.keys()].some((path) => path !== WHOLE),
);

/** All kinds of the run, in their order. */
export const kindsOfRun = computed(() =>
  ordered([
    ...[...kindsByLayer.value.values()].flatMap((kinds) => [...kinds]),
    ...(healthComes.value ? [HEALTH] : []),
  ]),
);

/** The kinds that a layer has of its own; those of the whole model for its path. */
export const kindsOf = (path: string): string[] => ordered(kindsByLayer.value.get(path) ?? []);

/** Layers that have a kind, in the order they were logged in. */
export function layersWith(kind: string): string[] {
  return [...kindsByLayer.value].flatMap(([path, kinds]) =>
    kinds.has(kind) && path !== WHOLE ? [path] : [],
  );
}

/** Return whose picture a kind shows for a selected layer: the layer's, the model's or none. */
export function pathOf(kind: string, chosen: string | null): string | null {
  const has = (path: string) => kindsByLayer.value.get(path)?.has(kind) === true;
  if (chosen !== null && has(chosen)) return chosen;
  return has(WHOLE) ? WHOLE : null;
}
