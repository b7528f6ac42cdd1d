/** What is looked at: a layer, a kind of picture of it, a channel, a probe image. */

import { batch, computed, effect, signal } from "@preact/signals";
import type { Layout, Probe, Series } from "../api";
import { HEALTH, ordered, PREDICTIONS, splitKind } from "../families";
import { Ordinals } from "../positions";
import { inRange } from "../probes";
import { channelsOf, type Subject, subjectsOf, tileOfChannel, tileOfSubject } from "../subjects";
import { cursor } from "./cursor";
import { heads, layoutOf, positions, seriesOf } from "./run";
import { probeOf } from "./runIndex";

/** The layer that is looked at; it stays chosen while pictures of the whole model are shown. */
export const layer = signal<string | null>(null);
/** The kind last asked for; another is shown where the layer has none of it. */
export const wantedKind = signal<string | null>(null);
/** Number of the channel that was chosen in the layer; null: the usual one is shown. */
export const channel = signal<number | null>(null);
/** The probe image that was chosen; a probe that lacks it shows its first. */
export const image = signal(0);
/** What was chosen in pictures whose tiles are not channels of one layer, by kind. */
export const picks = signal<ReadonlyMap<string, Subject>>(new Map());

/** The channels chosen in layers that are not open now. */
const channelIn = new Map<string, number | null>();
/** The layer that was chosen, while another stands in for it: it lacks the kind, or the run it. */
let meant: string | null = null;

/** Open a layer with the channel that was chosen in it; what was chosen elsewhere stays chosen. */
function openLayer(to: string | null): void {
  const from = layer.peek();
  if (to === from) return;
  if (from !== null) {
    channelIn.set(from, channel.peek());
    channel.value = (to === null ? null : channelIn.get(to)) ?? null;
  }
  layer.value = to;
}

/** Open another layer in place of the one that was chosen. */
export function standIn(to: string | null): void {
  meant ??= layer.peek();
  openLayer(to);
}

/** The layer that was chosen, whether it is shown or not. */
export const layerMeant = () => meant ?? layer.peek();

/** Back to the layer that was chosen. */
export function backToMeant(): void {
  if (meant !== null) openLayer(meant);
  meant = null;
}

/** As a page without an address begins. */
export function forgetChoices(): void {
  channelIn.clear();
  picks.value = new Map();
  meant = null;
  layer.value = null;
  channel.value = null;
}

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
export const shownImage = computed(() => inRange(image.value, imageCount.value));

/** What each tile of the shown sheet is. */
export const subjects = computed<Subject[]>(() =>
  layout.value === null || kind.value === null
    ? []
    : subjectsOf(kind.value, layout.value, probe.value),
);
/** The channels that the sheet shows; null where its tiles are something else. */
export const channels = computed(() => channelsOf(subjects.value, path.value ?? WHOLE));

/**
 * What is enlarged where nobody has chosen: the brightest when it was opened. A layer's channel,
 * whatever kind shows it; a tile by the kind.
 */
export const brightest = signal<ReadonlyMap<string, number>>(new Map());

export function brightestKey(kind: string, layer: string, byChannel: boolean): string {
  return byChannel ? `layer\n${layer}` : `kind\n${kind}`;
}

const usual = (byChannel: boolean) =>
  brightest.value.get(brightestKey(kind.value ?? "", path.value ?? "", byChannel));

/** The chosen channel, drawn or not; one that is drawn where nobody has chosen. */
export const shownChannel = computed<number | null>(() => {
  const drawn = channels.value;
  if (drawn === null) return null;
  if (channel.value !== null) return channel.value;
  const held = usual(true);
  return held !== undefined && drawn.includes(held) ? held : (drawn[0] ?? null);
});

/** The tile that shows what is chosen; -1 where none does. */
export const tile = computed(() => {
  const all = subjects.value;
  if (shownChannel.value !== null) return tileOfChannel(all, shownChannel.value);
  const picked = picks.value.get(kind.value ?? "");
  if (all.some((one) => one.is === "image" && one.image !== null)) {
    const like = picked?.is === "tile" ? all[picked.tile] : picked;
    const part = like?.is === "image" && like.image !== null ? like.part : 0;
    return tileOfSubject(all, { is: "image", image: shownImage.value, part });
  }
  if (picked !== undefined) return tileOfSubject(all, picked);
  return Math.min(usual(false) ?? 0, all.length - 1);
});

export const subject = computed(() => subjects.value[tile.value] ?? null);

/** Choose a tile of the shown sheet; of a diagram the channel of a bar. */
export function pick(at: number, bar: number | null = null): void {
  const one = subjects.peek()[at];
  if (one === undefined) return;
  batch(() => {
    if (channels.peek() !== null) {
      const number = "channel" in one ? one.channel : bar;
      if (number !== null) channel.value = number;
      return;
    }
    if (one.is === "image" && one.image !== null) image.value = one.image;
    picks.value = new Map(picks.peek()).set(kind.peek() ?? "", one);
  });
}

/** The kind of a layer, and that of the whole model, that were chosen last. */
let [lastOfLayer, lastOfModel]: (string | null)[] = [null, null];

effect(() => {
  if (kind.value === null) return;
  const wanted = wantedKind.value;
  if (path.value === WHOLE) lastOfModel = kind.value;
  // A kind that this layer lacks stays the one that was chosen.
  else lastOfLayer = wanted !== null && layersWith(wanted).length > 0 ? wanted : kind.value;
});

/** Open a layer, or the whole model. */
export function selectLayer(chosen: string): void {
  if (chosen === path.peek()) {
    if (chosen !== WHOLE) meant = null;
    return;
  }
  batch(() => {
    if (chosen === WHOLE) {
      wantedKind.value = lastOfModel ?? kindsOf(WHOLE)[0] ?? null;
      return;
    }
    // What is shown of the whole model is not of this layer.
    if (path.peek() === WHOLE) wantedKind.value = lastOfLayer ?? kindsOf(chosen)[0] ?? null;
    meant = null;
    openLayer(chosen);
  });
}

/** Show a kind; where the layer has none of it, of the layer that `nearest` picks. */
export function showKind(
  wanted: string,
  nearest: (layers: readonly string[]) => string | undefined = (layers) => layers[0],
): void {
  batch(() => {
    if (pathOf(wanted, meant) === meant) backToMeant();
    if (pathOf(wanted, layer.peek()) === null) standIn(nearest(layersWith(wanted)) ?? null);
    wantedKind.value = wanted;
  });
}

/** Step to the next or last channel that is drawn, or tile. */
export function moveChannel(by: 1 | -1): void {
  const drawn = channels.peek();
  const count = drawn?.length ?? subjects.peek().length;
  if (count === 0) return;
  const now = shownChannel.peek();
  let at = drawn === null || now === null ? tile.peek() : drawn.indexOf(now);
  if (at < 0 && drawn !== null && now !== null) {
    // Not drawn: on from where it would be.
    const next = drawn.findIndex((one) => one > now);
    at = by === 1 ? (next < 0 ? count : next) - 1 : Math.max(next, 0);
  } else if (at < 0 && by === -1) at = 0;
  const to = (at + by + count) % count;
  if (drawn !== null) channel.value = drawn[to] ?? null;
  else pick(to);
}

/** "cat", the class of a probe image, or its name. */
export function imageName(of: Probe | null, index: number): string {
  const entry = of?.images[index];
  return entry?.class ?? entry?.name ?? `image ${index}`;
}

export function className(of: Probe | null, index: number): string {
  return of?.class_names?.[index] ?? `class ${index}`;
}
