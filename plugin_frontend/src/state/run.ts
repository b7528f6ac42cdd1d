/** Which run is open, and its index. */

import { batch, computed, signal } from "@preact/signals";
import type { RunEntry, Segment } from "../model/answers";
import { capitalized } from "../model/format";
import type { Notice } from "../model/records";
import { type RunIndex, seriesKey } from "../model/runIndex";

export const runs = signal<readonly RunEntry[] | null>(null);
/** What TensorBoard was started with. */
export const logdir = signal("");
export const run = signal<string | null>(null);
/** The last open run; it is reopened when a server or a directory comes back. */
export const lastRun = signal<string | null>(null);
export const runIndex = signal<RunIndex | null>(null);
/** Counts the resets of the open run; what was fetched before one is stale. */
export const generation = signal(0);
/** Counts how often the server came back; what failed meanwhile is requested again. */
export const attempt = signal(0);
/** Seconds since 1970 by the server's clock, at the last answer, and ours then. */
export const clock = signal({ server: 0, here: 0 });

export const positions = computed(() => runIndex.value?.positions ?? []);
export const lastOrdinal = computed(() => positions.value.length - 1);
export const segmentCount = computed(() => runIndex.value?.segments.length ?? 0);
/** Why segments are not read, one sentence each: they are of another format. */
export const refused = computed(() =>
  (runIndex.value?.segments ?? []).flatMap(({ refused: why }) =>
    why ? [`${capitalized(why)}.`] : [],
  ),
);
export const newestSegment = computed<Segment | null>(
  () => runIndex.value?.segments.at(-1) ?? null,
);

/** The notice by which `tbviz control` paused the callbacks; null while they capture. */
export const paused = computed<Notice | null>(() => {
  const { segment, status } = newestSegment.value ?? {};
  const last = runIndex.value?.notices.findLast(
    (notice) =>
      notice.segment === segment && (notice.event === "paused" || notice.event === "resumed"),
  );
  return status === "live" && last?.event === "paused" ? last : null;
});

export function seriesOf(kind: string, layer: string) {
  return runIndex.value?.series.get(seriesKey(kind, layer)) ?? null;
}

export function layoutOf(kind: string, layer: string) {
  const series = seriesOf(kind, layer);
  return series === null ? null : (runIndex.value?.layouts.get(series.layout) ?? null);
}

export function open(name: string | null): void {
  if (name === run.peek()) return;
  batch(() => {
    run.value = name;
    if (name !== null) lastRun.value = name;
    runIndex.value = null;
    generation.value += 1;
  });
}

/** Seconds since a moment of the server's clock. */
export function secondsSince(moment: number): number {
  const { server, here } = clock.value;
  return Math.max(0, server + (Date.now() - here) / 1000 - moment);
}
