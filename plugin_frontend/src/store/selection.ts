/** What is looked at: a layer, a kind of picture of it, a channel, a probe image. */

import { batch, computed, signal } from "@preact/signals";
import type { Layout, Probe, Series } from "../api";
import { Ordinals } from "../positions";
import { cursor } from "./cursor";
import { probeOf } from "./heads";
import { heads, layoutOf, positions, seriesOf } from "./run";

/** Numbers over the run: a view like the kinds of pictures, but made of `health` records. */
export const HEALTH = "health";
const ORDER = ["activations", "maximization", "cam"];
const LABELS: Record<string, string> = {
  activations: "Activations",
  maximization: "Maximization",
  cam: "Grad-CAM",
  health: "Health",
};

/** What people read; a kind that is not known goes by its own name. */
export const kindLabel = (kind: string) => LABELS[kind] ?? kind;

export const layer = signal<string | null>(null);
/** The kind last asked for; another is shown where the layer has none of it. */
export const wantedKind = signal<string | null>(null);
/** Number of a channel in its layer. */
export const channel = signal<number | null>(null);
export const image = signal(0);

/** Layers that the health records have numbers of; set by the tables. */
export const healthLayers = signal<readonly string[]>([]);

export const kindsOfRun = computed(() => {
  const kinds = new Set<string>();
  for (const series of heads.value?.series.values() ?? []) kinds.add(series.kind);
  const rest = [...kinds].filter((kind) => !ORDER.includes(kind)).sort();
  return [...ORDER.filter((kind) => kinds.has(kind)), ...rest, HEALTH];
});

export function kindsOf(path: string): string[] {
  return kindsOfRun.value.filter((kind) =>
    kind === HEALTH ? healthLayers.value.includes(path) : seriesOf(kind, path) !== null,
  );
}

export const kind = computed<string | null>(() => {
  if (layer.value === null) return null;
  const kinds = kindsOf(layer.value);
  const wanted = wantedKind.value;
  return wanted !== null && kinds.includes(wanted) ? wanted : (kinds[0] ?? null);
});

export const series = computed<Series | null>(() =>
  layer.value === null || kind.value === null ? null : seriesOf(kind.value, layer.value),
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
  return shown !== null && shown.kind === kind.value && shown.layer === layer.value ? shown : null;
});

/** That of the record on the screen; the series' newest while there is none. */
export const layout = computed<Layout | null>(() => {
  if (layer.value === null || kind.value === null) return null;
  return record.value?.layout ?? layoutOf(kind.value, layer.value);
});

const recorded = computed(() => new Ordinals(series.value?.positions ?? []));

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

/** What is enlarged where nobody has chosen: the brightest channel when the layer was opened. */
export const brightest = signal<{ layer: string; channel: number } | null>(null);

export const shownChannel = computed<number | null>(() => {
  const drawn = layout.value === null ? [] : channelsOf(layout.value);
  if (channel.value !== null && drawn.includes(channel.value)) return channel.value;
  const usual = brightest.value?.layer === layer.value ? brightest.value?.channel : undefined;
  return usual !== undefined && drawn.includes(usual) ? usual : (drawn[0] ?? null);
});

/** The tile that shows that channel; -1 where none does. */
export const tile = computed(() =>
  layout.value === null || shownChannel.value === null
    ? -1
    : channelsOf(layout.value).indexOf(shownChannel.value),
);

/** Open a layer; a channel of another one means nothing in it. */
export function selectLayer(path: string): void {
  if (path === layer.peek()) return;
  batch(() => {
    layer.value = path;
    channel.value = null;
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
