/** How values become colors: map, range, smoothing, and what they are over the run. */

import { batch, computed, effect, signal } from "@preact/signals";
import { MAPS, type MapName, type Range, symmetric, union } from "../color";
import { familyOf } from "../families";
import { toNumber } from "../json";
import type { Sheet } from "../png";
import type { RangeRule } from "../url";
import { columnsOf, largest } from "./columns";
import { follow } from "./cursor";
import { generation, run } from "./run";
import { seriesKey } from "./runIndex";
import { kind, layout, path, series } from "./selection";

/** What was chosen for each kind; under "" what was chosen before a kind was known. */
const maps = signal<ReadonlyMap<string, MapName>>(new Map());
const ranges = signal<ReadonlyMap<string, RangeRule>>(new Map());

function chosen<T>(of: ReadonlyMap<string, T>): T | undefined {
  return of.get(kind.value ?? "") ?? of.get("");
}

/** Whether zero is the middle of the shown values. */
export const signed = computed(() => layout.value?.signed === true);
/** The map where nobody has chosen: gray would hide in a photograph, and a sign wants two ends. */
export const usualMap = computed<MapName>(() => {
  if (signed.value) return "balance";
  return familyOf(kind.value ?? "").view === "cams" ? "turbo" : "viridis";
});
/** The map of the shown kind. */
export const mapName = computed(() => chosen(maps.value) ?? usualMap.value);

export function setMap(name: MapName, of = kind.peek()): void {
  maps.value = new Map(maps.peek()).set(of ?? "", name);
}

export const usualRange = computed<RangeRule>(() => familyOf(kind.value ?? "").range);
/** What the colors of the shown kind span. */
export const rangeRule = computed<RangeRule>(() => chosen(ranges.value) ?? usualRange.value);

export function setRange(rule: RangeRule, of = kind.peek()): void {
  ranges.value = new Map(ranges.peek()).set(of ?? "", rule);
}

/** Weight of the past in the smoothed curves, 0 to below 1. */
export const smoothing = signal(0);
/** Opacity of a CAM where it is hottest. */
export const strength = signal(0.6);
/** What the heat map of layers and positions shows. */
export const statistic = signal("dead");
/** Metrics shown in the curves, where they were chosen. */
export const metrics = signal<readonly string[] | null>(null);

export function nextMap(): void {
  setMap(MAPS[(MAPS.indexOf(mapName.peek()) + 1) % MAPS.length] ?? "viridis");
}

export const RULES = ["tile", "layer", "run", "extremes"] as const;
export function nextRange(): void {
  const rule = rangeRule.peek();
  const at = typeof rule === "string" ? RULES.indexOf(rule) : -1;
  setRange(RULES[(at + 1) % RULES.length] ?? "run");
}

/** Ranges over the run as they were when a series was first looked at. */
interface Frozen {
  percentiles: Range | null;
  extremes: Range | null;
}
const frozen = signal<ReadonlyMap<string, Frozen>>(new Map());
let of = -1;

function now(): Frozen | null {
  const entry = series.value;
  if (entry === null || entry.media !== "gray8") return null;
  const read = (pair: typeof entry.range) =>
    pair === null ? null : union([toNumber(pair[0])], [toNumber(pair[1])]);
  return { percentiles: read(entry.percentiles), extremes: read(entry.range) };
}

const key = () => `${run.value}\n${seriesKey(kind.value ?? "", path.value ?? "")}`;

/** Take over what the range of the shown series has become. */
export function takeRange(): void {
  const fresh = now();
  if (fresh !== null) frozen.value = new Map(frozen.peek()).set(key(), fresh);
}

effect(() => {
  const fresh = now();
  const name = key();
  const [following, born] = [follow.value, generation.value];
  if (born !== of) {
    of = born;
    frozen.value = new Map();
  }
  const held = frozen.peek().get(name);
  if (fresh === null) return;
  if (held === undefined || (following && wider(held, fresh))) takeRange();
});

function wider(held: Frozen, fresh: Frozen): boolean {
  return (["percentiles", "extremes"] as const).some((which) => {
    const [old, young] = [held[which], fresh[which]];
    if (young === null) return false;
    return old === null || young.low < old.low || young.high > old.high;
  });
}

/** New data lies outside of the range that the colors are fixed to. */
export const grown = computed(() => {
  const [held, fresh] = [frozen.value.get(key()), now()];
  if (held === undefined || fresh === null) return false;
  if (rangeRule.value !== "run" && rangeRule.value !== "extremes") return false;
  return wider(held, fresh);
});

/** The range of the whole sheet under the present rule; null where every tile has its own. */
export function sheetRange(sheet: Sheet): Range | null {
  const rule = rangeRule.value;
  if (rule === "tile") return null;
  if (typeof rule === "object") return centerd(rule);
  const held = frozen.value.get(key());
  const fixed = rule === "extremes" ? held?.extremes : rule === "run" ? held?.percentiles : null;
  return centerd(fixed ?? layerRange(sheet) ?? { low: 0, high: 0 });
}

/** The union of the ranges of all tiles of a sheet. */
export function layerRange(sheet: Sheet): Range | null {
  const ranges = sheet.ranges ?? new Float32Array();
  return union(
    ranges.filter((_, i) => i % 2 === 0),
    ranges.filter((_, i) => i % 2 === 1),
  );
}

/** The range of a tile's colors: the sheet's, or its own. */
export function tileRange(sheet: Sheet, tile: number, whole: Range | null): Range {
  if (whole !== null) return whole;
  const [low, high] = [sheet.ranges?.[2 * tile] ?? 0, sheet.ranges?.[2 * tile + 1] ?? 0];
  return centerd({ low, high });
}

/** The diverging map has zero in its middle, and signed values have in any map. */
function centerd(range: Range): Range {
  return (mapName.value === "balance" || signed.value) && Number.isFinite(range.low + range.high)
    ? symmetric(range)
    : range;
}

/** What the largest maps over photographs of the shown series reach over the run. */
export const camMaximum = computed(() => {
  const [of, layer] = [kind.value, path.value];
  const columns = of === null || layer === null ? null : columnsOf(of, layer);
  if (columns === null) return Number.NaN;
  const { hi, lo, q, p } = columns;
  const [ups, downs] = familyOf(columns.kind).scale === "percentile" ? [q, p] : [hi, lo];
  return signed.value ? Math.max(largest(ups), largest(downs.map((v) => -v))) : largest(ups);
});

/** As a page without an address begins. */
export function resetLook(): void {
  batch(() => {
    maps.value = new Map();
    ranges.value = new Map();
    smoothing.value = 0;
    strength.value = 0.6;
    statistic.value = "dead";
    metrics.value = null;
  });
}
