/** Layers x positions of one statistic: what the heat map draws. */

import { computed } from "@preact/signals";
import { shortened } from "../arrange";
import { carried, lastLooks } from "../downsample";
import { MAPPED, statisticOf } from "../statistics";
import { statistic } from "./colorScale";
import { broken, type Health, health } from "./health";
import { heads, positions } from "./run";

/** What a cell says, one list a layer with a value at each position; NaN where there is none. */
function cells(of: Health, name: string, looks: readonly number[][]): number[][] {
  return of.layers.map((path, row) => {
    const shown = looks[row] ?? [];
    const values = carried(of.numbers.get(name)?.get(path) ?? [], shown.length, shown);
    if (statisticOf(name).unit !== "count") return values;
    const channels = of.channels.get(path) ?? Number.NaN;
    return values.map((some) => some / channels);
  });
}

/** Where the colors end: shares at 1, what has no end at the most there is. */
function top(name: string, rows: readonly number[][]): number {
  if (statisticOf(name).unit !== "number") return 1;
  let most = 0;
  for (const row of rows) for (const value of row) if (value > most) most = value;
  return most || 1;
}

/** Statistics that the run has: older ones lack some. */
export const offered = computed(() => MAPPED.filter((name) => health.value?.names.includes(name)));
/** The one that is shown: the chosen one where the run has it. */
export const mapped = computed(() =>
  offered.value.includes(statistic.value) ? statistic.value : (offered.value[0] ?? statistic.value),
);
/** Whether the run has, as far as is known, nothing to draw here. */
export const none = computed(() => {
  const of = health.value;
  if (of !== null) return of.layers.length === 0 || offered.value.length === 0;
  return heads.value?.latest.health === null;
});
/** Whether its numbers are still on their way. */
export const coming = computed(() => {
  const of = health.value;
  if (none.value) return false;
  return of === null || (of.numbers.get(mapped.value)?.size ?? 0) < of.layers.length;
});

/** Of each cell the position of the look that it shows; -1 where there is none. */
export const looksNow = computed(() => {
  const of = health.value;
  if (of === null || coming.value) return [];
  const rows = of.numbers.get(mapped.value);
  return of.layers.map((path) => lastLooks(rows?.get(path) ?? [], positions.value.length));
});
export const cellsNow = computed(() => {
  const of = health.value;
  // Those of a layer that is looked at may be here before.
  if (of === null || coming.value) return of?.layers.map(() => []) ?? [];
  return cells(of, mapped.value, looksNow.value);
});
/** Of each cell whether the layer is not finite there: what it is, as in `not_finite`. */
export const brokenCells = computed(() => {
  const changes = broken.value;
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
