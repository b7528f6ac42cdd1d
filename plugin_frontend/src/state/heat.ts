/** The data of the heat map: layers x positions of one statistic. */

import { computed } from "@preact/signals";
import { shortened } from "../draw/arrange";
import { carriedForward, lastSnapshots } from "../model/downsample";
import type { Health } from "../model/health";
import { MAPPED, statisticOf } from "../model/statistics";
import { statistic } from "./colorScale";
import { health, nonFiniteChanges } from "./health";
import { positions, runIndex } from "./run";

/** Return the values of the cells: a list per layer with a value per position; NaN if there is none. */
function cells(table: Health, name: string, snapshots: readonly number[][]): number[][] {
  return table.layers.map((path, row) => {
    const shown = snapshots[row] ?? [];
    const values = carriedForward(table.numbers.get(name)?.get(path) ?? [], shown.length, shown);
    if (statisticOf(name).unit !== "count") return values;
    const channels = table.channels.get(path) ?? Number.NaN;
    return values.map((some) => some / channels);
  });
}

/** Return where the colors end: shares at 1, other numbers at their maximum. */
function top(name: string, rows: readonly number[][]): number {
  if (statisticOf(name).unit !== "number") return 1;
  let maximum = 0;
  for (const row of rows) for (const value of row) if (value > maximum) maximum = value;
  return maximum || 1;
}

/** Statistics that the run has: older ones lack some. */
export const offered = computed(() => MAPPED.filter((name) => health.value?.names.includes(name)));
/** The one that is shown: the chosen one where the run has it. */
export const mapped = computed(() =>
  offered.value.includes(statistic.value) ? statistic.value : (offered.value[0] ?? statistic.value),
);
/** Whether the run has nothing to draw here, as far as is known. */
export const none = computed(() => {
  const table = health.value;
  if (table !== null) return table.layers.length === 0 || offered.value.length === 0;
  return runIndex.value?.latest.health === null;
});
/** Why LayerHealth logs nothing in the newest fit, in its own words; null if it does not say. */
export const healthSkipped = computed(() => {
  const newest = runIndex.value?.segments.at(-1)?.segment;
  const notice = runIndex.value?.notices.findLast(
    ({ segment, method, event }) =>
      segment === newest && method === "LayerHealth" && event === "left_out",
  );
  return notice?.text ?? null;
});
/** Whether its numbers are still loading. */
export const coming = computed(() => {
  const table = health.value;
  if (none.value) return false;
  return table === null || (table.numbers.get(mapped.value)?.size ?? 0) < table.layers.length;
});

/** For each cell the position of the snapshot that it shows; -1 if there is none. */
export const snapshotsNow = computed(() => {
  const table = health.value;
  if (table === null || coming.value) return [];
  const rows = table.numbers.get(mapped.value);
  return table.layers.map((path) => lastSnapshots(rows?.get(path) ?? [], positions.value.length));
});
export const cellsNow = computed(() => {
  const table = health.value;
  // The numbers of the open layer may arrive before the others.
  if (table === null || coming.value) return table?.layers.map(() => []) ?? [];
  return cells(table, mapped.value, snapshotsNow.value);
});
/** For each cell "NaN" or "infinite" if the layer is not finite there. */
export const nonFiniteCells = computed(() => {
  const changes = nonFiniteChanges.value;
  return (health.value?.layers ?? []).map((path) => {
    const own = changes.filter(({ layer }) => layer === path);
    if (own.length === 0) return null;
    return positions.value.map(
      (_, ordinal) => own.findLast((change) => change.ordinal <= ordinal)?.text ?? null,
    );
  });
});
export const topNow = computed(() => top(mapped.value, cellsNow.value));
export const names = computed(() => shortened(health.value?.layers ?? []));
