/** The selection: a layer, a kind of picture of it, a channel, a probe image. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { Stop } from "../host/stops";
import { splitKind } from "../model/families";
import { Ordinals } from "../model/positions";
import { inRange } from "../model/probes";
import type { Layout, Probe, Series } from "../model/records";
import { probeOf } from "../model/runIndex";
import {
  channelsOf,
  type TileContent,
  tileContents,
  tileOfChannel,
  tileOfContent,
} from "../model/tileContents";
import { cursor } from "./cursor";
import { image, imageFor, modelImages, resetImage } from "./image";
import {
  channel,
  keepLayer,
  layer,
  openLayer,
  replaced,
  resetLayer,
  restoreChosenLayer,
  substituteLayer,
} from "./layer";
import { kindsOf, kindsOfRun, layered, layersWith, pathOf, WHOLE } from "./logged";
import { layoutOf, positions, runIndex, seriesOf } from "./run";

/** The requested kind; another one is shown if the layer lacks it. */
export const requestedKind = signal<string | null>(null);
/** The selection in pictures whose tiles are not channels of one layer, by kind. */
export const pickedContents = signal<ReadonlyMap<string, TileContent>>(new Map());

/** Reset to the defaults, as on a page without an address. */
export function resetSelection(): void {
  pickedContents.value = new Map();
  resetImage();
  resetLayer();
}

/** The shown kind: the requested one, else another of its family, else the layer's first. */
export const kind = computed<string | null>(() => {
  const chosen = layer.value;
  const requested = requestedKind.value;
  const there = kindsOfRun.value.filter((kind) => pathOf(kind, chosen) !== null);
  if (requested !== null && there.includes(requested)) return requested;
  const [family] = splitKind(requested ?? "");
  const own = chosen === null ? undefined : kindsOf(chosen)[0];
  const sibling = there.find((kind) => splitKind(kind)[0] === family);
  if (sibling !== undefined) return sibling;
  if (chosen !== null) return own ?? null;
  // A layer will be opened in a moment, unless the run has pictures of the whole model only.
  return layered.value ? null : (there[0] ?? null);
});

/** The path of the shown picture: the layer, or that of the whole model. */
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

/** Return the probe of the segment of a position. */
export function probeAt(ordinal: number): Probe | null {
  if (runIndex.value === null) return null;
  return probeOf(runIndex.value, positions.value[ordinal]?.segment ?? 1);
}

/** The probe of the shown picture: that of its record, not of the cursor. */
export const probe = computed<Probe | null>(() => {
  const shown = record.value;
  if (shown !== null) return probeAt(shown.ordinal);
  const near = recorded.value.nearest(cursor.value);
  return probeAt(near < 0 ? cursor.value : recorded.value.at(near));
});

export const imageCount = computed(() => probe.value?.images.length ?? 0);
/** The image to show of the layer; its pictures may be of a probe that lacks it. */
export const wantedImage = computed(() => imageFor(path.value));
/** The image in range of the probe. */
export const shownImage = computed(() => inRange(wantedImage.value, imageCount.value));
/** The images to select from: those of the layer's model. */
export const offeredImages = computed(() => {
  const own = modelImages(path.value) ?? Array.from({ length: imageCount.value }, (_, i) => i);
  return own.filter((one) => one < imageCount.value);
});

/** What each tile of the shown sheet shows. */
export const contents = computed<TileContent[]>(() =>
  layout.value === null || kind.value === null
    ? []
    : tileContents(kind.value, layout.value, probe.value),
);
/** The channels that the sheet shows; null if its tiles show something else. */
export const channels = computed(() => channelsOf(contents.value, path.value ?? WHOLE));

/**
 * What is enlarged until the user selects: the brightest when it was opened. Per layer for a channel,
 * whatever kind shows it; per kind for other tiles.
 */
export const brightest = signal<ReadonlyMap<string, number>>(new Map());

export function brightestKey(kind: string, layer: string, byChannel: boolean): string {
  return byChannel ? `layer\n${layer}` : `kind\n${kind}`;
}

const brightestTile = (byChannel: boolean) =>
  brightest.value.get(brightestKey(kind.value ?? "", path.value ?? "", byChannel));

/** The selected channel, drawn or not; by default one that is drawn. */
export const shownChannel = computed<number | null>(() => {
  const drawn = channels.value;
  if (drawn === null) return null;
  if (channel.value !== null) return channel.value;
  const held = brightestTile(true);
  return held !== undefined && drawn.includes(held) ? held : (drawn[0] ?? null);
});

/** The tile that shows the selection; -1 if none does. */
export const tile = computed(() => {
  const all = contents.value;
  if (shownChannel.value !== null) return tileOfChannel(all, shownChannel.value);
  const picked = pickedContents.value.get(kind.value ?? "");
  if (all.some((one) => one.is === "image" && one.image !== null)) {
    const like = picked?.is === "tile" ? all[picked.tile] : picked;
    const tileIndex = like?.is === "image" && like.image !== null ? like.tileIndex : 0;
    return tileOfContent(all, { is: "image", image: shownImage.value, tileIndex });
  }
  if (picked !== undefined) return tileOfContent(all, picked);
  return Math.min(brightestTile(false) ?? 0, all.length - 1);
});

export const content = computed(() => contents.value[tile.value] ?? null);

/** Select a tile of the shown sheet, or the channel of a bar in a diagram. */
export function pick(at: number, bar: number | null = null): void {
  const one = contents.peek()[at];
  if (one === undefined) return;
  batch(() => {
    if (channels.peek() !== null) {
      const number = "channel" in one ? one.channel : bar;
      if (number !== null) channel.value = number;
      return;
    }
    if (one.is === "image" && one.image !== null) image.value = one.image;
    pickedContents.value = new Map(pickedContents.peek()).set(kind.peek() ?? "", one);
  });
}

/** The kinds of a layer and of the whole model that were shown last. */
let [lastOfLayer, lastOfModel]: (string | null)[] = [null, null];

function rememberKind(): void {
  if (kind.value === null) return;
  const requested = requestedKind.value;
  if (path.value === WHOLE) lastOfModel = kind.value;
  // A kind that this layer lacks stays requested.
  else
    lastOfLayer = requested !== null && layersWith(requested).length > 0 ? requested : kind.value;
}

export const connectSelection = (): Stop => effect(rememberKind);

/** Open a layer, or the whole model. */
export function selectLayer(chosen: string): void {
  if (chosen === path.peek()) {
    if (chosen !== WHOLE) keepLayer();
    return;
  }
  batch(() => {
    if (chosen === WHOLE) {
      requestedKind.value = lastOfModel ?? kindsOf(WHOLE)[0] ?? null;
      return;
    }
    // A kind of the whole model is none of this layer.
    if (path.peek() === WHOLE) requestedKind.value = lastOfLayer ?? kindsOf(chosen)[0] ?? null;
    keepLayer();
    openLayer(chosen);
  });
}

/** Show a kind; if the layer lacks it, open the layer that `nearest` picks. */
export function showKind(
  requested: string,
  nearest: (layers: readonly string[]) => string | undefined = (layers) => layers[0],
): void {
  batch(() => {
    if (pathOf(requested, replaced()) === replaced()) restoreChosenLayer();
    if (pathOf(requested, layer.peek()) === null)
      substituteLayer(nearest(layersWith(requested)) ?? null);
    requestedKind.value = requested;
  });
}

/** Select the next or previous drawn channel, or tile. */
export function moveChannel(by: 1 | -1): void {
  const drawn = channels.peek();
  const count = drawn?.length ?? contents.peek().length;
  if (count === 0) return;
  const now = shownChannel.peek();
  let at = drawn === null || now === null ? tile.peek() : drawn.indexOf(now);
  if (at < 0 && drawn !== null && now !== null) {
    // Not drawn: continue from where it would be.
    const next = drawn.findIndex((one) => one > now);
    at = by === 1 ? (next < 0 ? count : next) - 1 : Math.max(next, 0);
  } else if (at < 0 && by === -1) at = 0;
  const to = (at + by + count) % count;
  if (drawn !== null) channel.value = drawn[to] ?? null;
  else pick(to);
}

/** Name a probe image by its class ("cat") or its name. */
export function imageName(owner: Probe | null, index: number): string {
  const entry = owner?.images[index];
  return entry?.class ?? entry?.name ?? `image ${index}`;
}

/** Name a class; the models that share a run may have other names for theirs, by image. */
export function className(owner: Probe | null, index: number, image: number): string {
  const names = owner?.images[image]?.class_names ?? owner?.class_names;
  return names?.[index] ?? `class ${index}`;
}
