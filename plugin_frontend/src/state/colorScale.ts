/** How values become colors and lines: color map, range, smoothing, statistic. */

import { batch, computed, effect, signal } from "@preact/signals";
import { MAPS, type MapName, type Range, symmetric, union } from "../draw/color";
import type { Sheet } from "../draw/png";
import type { Stop } from "../host/stops";
import type { RangeRule } from "../host/url";
import { familyOf } from "../model/families";
import { toNumber } from "../model/json";
import { seriesKey } from "../model/runIndex";
import { follow } from "./cursor";
import { generation, run } from "./run";
import { kind, layout, path, series } from "./selection";

/** The chosen map and range per kind; under "" those chosen before a kind was known. */
export const maps = signal<ReadonlyMap<string, MapName>>(new Map());
const ranges = signal<ReadonlyMap<string, RangeRule>>(new Map());

function chosen<T>(byKind: ReadonlyMap<string, T>): T | undefined {
  return byKind.get(kind.value ?? "") ?? byKind.get("");
}

/** Whether zero is the middle of the shown values. */
export const signed = computed(() => layout.value?.signed === true);
/** The default map: gray would vanish in a photograph, and signed values need two ends. */
export const defaultMap = computed<MapName>(() => {
  if (signed.value) return "balance";
  return familyOf(kind.value ?? "").view === "cams" ? "turbo" : "viridis";
});
/** The map of the shown kind. */
export const mapName = computed(() => chosen(maps.value) ?? defaultMap.value);

export function setMap(name: MapName, forKind = kind.peek()): void {
  maps.value = new Map(maps.peek()).set(forKind ?? "", name);
}

export const defaultRange = computed<RangeRule>(() => familyOf(kind.value ?? "").range);
/** What the colors of the shown kind span. */
export const rangeRule = computed<RangeRule>(() => chosen(ranges.value) ?? defaultRange.value);

export function setRange(rule: RangeRule, forKind = kind.peek()): void {
  ranges.value = new Map(ranges.peek()).set(forKind ?? "", rule);
}

/** Weight of the past in the smoothed curves, 0 to below 1. */
export const smoothing = signal(0);
/** Opacity of a CAM at its maximum. */
export const strength = signal(0.6);
/** The statistic of the heat map. */
export const statistic = signal("dead");
/** Metrics chosen for the curves; null for the default. */
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

/** Ranges over the run as they were when a series was first shown. */
interface Frozen {
  percentiles: Range | null;
  extremes: Range | null;
}
const frozen = signal<ReadonlyMap<string, Frozen>>(new Map());
let frozenGeneration = -1;

function now(): Frozen | null {
  const entry = series.value;
  if (entry === null || entry.media !== "gray8") return null;
  const read = (pair: typeof entry.range) =>
    pair === null ? null : union([toNumber(pair[0])], [toNumber(pair[1])]);
  return { percentiles: read(entry.percentiles), extremes: read(entry.range) };
}

const key = () => `${run.value}\n${seriesKey(kind.value ?? "", path.value ?? "")}`;

/** Update the range of the shown series to the newest data. */
export function updateRange(): void {
  const fresh = now();
  if (fresh !== null) frozen.value = new Map(frozen.peek()).set(key(), fresh);
}

/** Fix the range of a series when it is first shown; while following it grows with the data. */
function freezeRange(): void {
  const fresh = now();
  const name = key();
  const [following, currentGeneration] = [follow.value, generation.value];
  if (currentGeneration !== frozenGeneration) {
    frozenGeneration = currentGeneration;
    frozen.value = new Map();
  }
  const held = frozen.peek().get(name);
  if (fresh === null) return;
  if (held === undefined || (following && wider(held, fresh))) updateRange();
}

export const connectColorScale = (): Stop => effect(freezeRange);

function wider(held: Frozen, fresh: Frozen): boolean {
  return (["percentiles", "extremes"] as const).some((which) => {
    const [old, young] = [held[which], fresh[which]];
    if (young === null) return false;
    return old === null || young.low < old.low || young.high > old.high;
  });
}

/** Whether new data lies outside the range that the colors are fixed to. */
export const grown = computed(() => {
  const [held, fresh] = [frozen.value.get(key()), now()];
  if (held === undefined || fresh === null) return false;
  if (rangeRule.value !== "run" && rangeRule.value !== "extremes") return false;
  return wider(held, fresh);
});

/** Return the range of the whole sheet under the current rule; null if each tile has its own. */
export function sheetRange(sheet: Sheet): Range | null {
  const rule = rangeRule.value;
  if (rule === "tile") return null;
  if (typeof rule === "object") return centered(rule);
  const held = frozen.value.get(key());
  const fixed = rule === "extremes" ? held?.extremes : rule === "run" ? held?.percentiles : null;
  return centered(fixed ?? layerRange(sheet) ?? { low: 0, high: 0 });
}

/** Return the union of the ranges of all tiles of a sheet. */
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
  return centered({ low, high });
}

/** Center the range on zero for the diverging map, and for signed values in any map. */
function centered(range: Range): Range {
  return (mapName.value === "balance" || signed.value) && Number.isFinite(range.low + range.high)
    ? symmetric(range)
    : range;
}

/** Reset to the defaults, as on a page without an address. */
export function resetColorScale(): void {
  batch(() => {
    maps.value = new Map();
    ranges.value = new Map();
    smoothing.value = 0;
    strength.value = 0.6;
    statistic.value = "dead";
    metrics.value = null;
  });
}
