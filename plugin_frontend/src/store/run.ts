/** Which run is open, and the heads of it. */

import { batch, computed, signal } from "@preact/signals";
import type { Notice, RunHead, Segment } from "../api";
import { type Heads, seriesKey } from "./runIndex";

export const runs = signal<readonly RunHead[] | null>(null);
/** What TensorBoard was started with. */
export const logdir = signal("");
export const run = signal<string | null>(null);
/** The run that was open last; it is opened again when a server or a directory comes back. */
export const lastRun = signal<string | null>(null);
export const heads = signal<Heads | null>(null);
/** Counts the resets of the open run; what was fetched before one is stale. */
export const generation = signal(0);
/** Counts the times that the server came back; what failed meanwhile is asked again. */
export const attempt = signal(0);
/** Seconds since 1970 by the server's clock, at the last answer, and ours then. */
export const clock = signal({ server: 0, here: 0 });

export const positions = computed(() => heads.value?.positions ?? []);
export const lastOrdinal = computed(() => positions.value.length - 1);
export const segmentCount = computed(() => heads.value?.segments.length ?? 0);
/** Why segments are not read, a sentence each: they are of another format. */
export const refused = computed(() =>
  (heads.value?.segments ?? []).flatMap(({ refused: why }) => (why ? [sentence(why)] : [])),
);
export const newestSegment = computed<Segment | null>(() => heads.value?.segments.at(-1) ?? null);

/** What the callbacks said when `tbviz control` stopped their looking; null while they look. */
export const paused = computed<Notice | null>(() => {
  const { segment, status } = newestSegment.value ?? {};
  const last = heads.value?.notices.findLast(
    ({ segment: of, event }) => of === segment && (event === "paused" || event === "resumed"),
  );
  return status === "live" && last?.event === "paused" ? last : null;
});

const sentence = (clause: string) => `${clause.charAt(0).toUpperCase()}${clause.slice(1)}.`;

export function seriesOf(kind: string, layer: string) {
  return heads.value?.series.get(seriesKey(kind, layer)) ?? null;
}

export function layoutOf(kind: string, layer: string) {
  const series = seriesOf(kind, layer);
  return series === null ? null : (heads.value?.layouts.get(series.layout) ?? null);
}

export function open(name: string | null): void {
  if (name === run.peek()) return;
  batch(() => {
    run.value = name;
    if (name !== null) lastRun.value = name;
    heads.value = null;
    generation.value += 1;
  });
}

/** Seconds since a moment of the server's clock. */
export function secondsSince(moment: number): number {
  const { server, here } = clock.value;
  return Math.max(0, server + (Date.now() - here) / 1000 - moment);
}
