/** What is looked at: a layer, a kind of picture of it, a channel, a probe image. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { Layout, Probe, Series } from "../api";
import { HEALTH, ordered, PREDICTIONS, splitKind } from "../families";
import { Ordinals } from "../positions";
import { cursor } from "./cursor";
import { probeOf } from "./heads";
import { heads, layoutOf, positions, seriesOf } from "./run";

/** The layer that is looked at; it stays chosen while pictures of the whole model are shown. */
export const layer = signal<string | null>(null);
/** The kind last asked for; another is shown where the layer has none of it. */
export const wantedKind = signal<string | null>(null);
/** Number of a channel in its layer. */
export const channel = signal<number | null>(null);
export const image = signal(0);

/** Layers that the health records have numbers of; null until it is known which these are. */
export const healthLayers = signal<readonly string[] | null>(null);
/** Whether there is health, of whatever layers. */
export const healthComes = computed(
  () => healthLayers.value === null && (heads.value?.latest.health ?? null) !== null,
);

/** What stands in place of a layer's path where a picture is of the whole model. */
export const WHOLE = "";

const kindsByLayer = computed(() => {
  const out = new Map<string, Set<string>>();
  const add = (path: string, kind: string) => {
    const kinds = out.get(path) ?? new Set();
    out.set(path, kinds.add(kind));
  };
  for (const series of heads.value?.series.values() ?? []) add(series.layer, series.kind);
  for (const path of healthLayers.value ?? []) add(path, HEALTH);
  // Most layers have it: another tab would be opened for a moment, and its pictures fetched.
  if (healthComes.value && layer.value) add(layer.value, HEALTH);
  if (heads.value !== null && heads.value.latest.predictions !== null) add(WHOLE, PREDICTIONS);
  return out;
});

const layered = computed(() => [...kindsByLayer.value.keys()].some((path) => path !== WHOLE));

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

/** Whose picture a kind shows while a layer is chosen: the layer's, the model's, or nobody's. */
export function pathOf(kind: string, chosen: string | null): string | null {
  const has = (path: string) => kindsByLayer.value.get(path)?.has(kind) === true;
  if (chosen !== null && has(chosen)) return chosen;
  return has(WHOLE) ? WHOLE : null;
}

/** The kind that is shown: the wanted one, else another of its family, else the layer's first. */
export const kind = computed<string | null>(() => {
  const chosen = layer.value;
  const wanted = wantedKind.value;
  const there = kindsOfRun.value.filter((kind) => pathOf(kind, chosen) !== null);
  if (wanted !== null && there.includes(wanted)) return wanted;
  const [family] = splitKind(wanted ?? "");
  const own = chosen === null ? undefined : kindsOf(chosen)[0];
  const sibling = there.find((kind) => splitKind(kind)[0] === family);
  if (sibling !== undefined) return sibling;
  if (chosen !== null) return own ?? null;
  // A layer will be chosen in a moment, unless the run has pictures of the whole model only.
  return layered.value ? null : (there[0] ?? null);
});

/** The path of what is shown: the layer, or that of the whole model. */
export const path = computed<string | null>(() =>
  kind.value === null ? layer.value : pathOf(kind.value, layer.value),
);

export const series = computed<Series | null>(() =>
  path.value === null || kind.value === null ? null : seriesOf(kind.value, path.value),
);

/** The record whose picture is on the screen; set by the pictures. */
export const onScreen = signal<{
  kind: string;
  layer: string;
  ordinal: number;
  layout: Layout;
} | null>(null);

const record = computed(() => {
  const shown = onScreen.value;
  return shown !== null && shown.kind === kind.value && shown.layer === path.value ? shown : null;
});

/** That of the record on the screen; the series' newest while there is none. */
export const layout = computed<Layout | null>(() => {
  if (path.value === null || kind.value === null) return null;
  return record.value?.layout ?? layoutOf(kind.value, path.value);
});

/** The positions that the shown series has a picture at. */
export const recorded = computed(() => new Ordinals(series.value?.positions ?? []));

/** The probe of the segment that a position is of. */
export function probeAt(ordinal: number): Probe | null {
  if (heads.value === null) return null;
  return probeOf(heads.value, positions.value[ordinal]?.segment ?? 1);
}

/** The probe images that the shown picture was made of: its record's, which the cursor may pass. */
export const probe = computed<Probe | null>(() => {
  const shown = record.value;
  if (shown !== null) return probeAt(shown.ordinal);
  const near = recorded.value.nearest(cursor.value);
  return probeAt(near < 0 ? cursor.value : recorded.value.at(near));
});

export const imageCount = computed(() => probe.value?.images.length ?? 0);
/** The image in range of the probe. */
export const shownImage = computed(() => Math.min(image.value, Math.max(imageCount.value - 1, 0)));

export function channelsOf(of: Layout): number[] {
  return of.channels ?? Array.from({ length: of.tiles }, (_, i) => i);
}

/** What is enlarged where nobody has chosen: the brightest channel when it was opened. */
export const brightest = signal<{ kind: string; layer: string; channel: number } | null>(null);

export const shownChannel = computed<number | null>(() => {
  const drawn = layout.value === null ? [] : channelsOf(layout.value);
  if (channel.value !== null && drawn.includes(channel.value)) return channel.value;
  const held = brightest.value;
  const usual =
    held?.layer === path.value && splitKind(held?.kind ?? "")[0] === splitKind(kind.value ?? "")[0]
      ? held?.channel
      : undefined;
  return usual !== undefined && drawn.includes(usual) ? usual : (drawn[0] ?? null);
});

/** The tile that shows that channel; -1 where none does. */
export const tile = computed(() =>
  layout.value === null || shownChannel.value === null
    ? -1
    : channelsOf(layout.value).indexOf(shownChannel.value),
);

/** The kind of a layer, and that of the whole model, that were shown last. */
let [lastOfLayer, lastOfModel]: (string | null)[] = [null, null];

effect(() => {
  if (kind.value === null) return;
  if (path.value === WHOLE) lastOfModel = kind.value;
  else lastOfLayer = kind.value;
});

/** Open a layer, or the whole model; a channel of another one means nothing in it. */
export function selectLayer(chosen: string): void {
  if (chosen === path.peek()) return;
  batch(() => {
    channel.value = null;
    if (chosen === WHOLE) {
      wantedKind.value = lastOfModel ?? kindsOf(WHOLE)[0] ?? null;
      return;
    }
    // What is shown of the whole model is not of this layer.
    if (path.peek() === WHOLE) wantedKind.value = lastOfLayer ?? kindsOf(chosen)[0] ?? null;
    layer.value = chosen;
  });
}

/** Show a kind; where the layer has none of it, of the layer that `nearest` picks. */
export function showKind(
  wanted: string,
  nearest: (layers: readonly string[]) => string | undefined = (layers) => layers[0],
): void {
  batch(() => {
    if (pathOf(wanted, layer.peek()) === null) layer.value = nearest(layersWith(wanted)) ?? null;
    if (splitKind(wanted)[0] !== splitKind(kind.peek() ?? "")[0]) channel.value = null;
    wantedKind.value = wanted;
  });
}

/** Step to the next or last channel that is drawn. */
export function moveChannel(by: 1 | -1): void {
  if (layout.value === null) return;
  const channels = channelsOf(layout.value);
  const at = tile.value < 0 ? (by === 1 ? -1 : 0) : tile.value;
  channel.value = channels[(at + by + channels.length) % channels.length] ?? null;
}

/** "cat", the class of a probe image, or its name. */
export function imageName(of: Probe | null, index: number): string {
  const entry = of?.images[index];
  return entry?.class ?? entry?.name ?? `image ${index}`;
}

export function className(of: Probe | null, index: number): string {
  return of?.class_names?.[index] ?? `class ${index}`;
}
