/** How values become colours: map, range, smoothing, and what they are over the run. */

import { batch, computed, effect, signal } from "@preact/signals";
import { MAPS, type MapName, type Range, symmetric, union } from "../colour";
import { toNumber } from "../json";
import type { Sheet } from "../png";
import type { RangeRule } from "../url";
import { columnsOf, largest } from "./columns";
import { follow } from "./cursor";
import { seriesKey } from "./heads";
import { generation, run } from "./run";
import { kind, layer, series } from "./selection";

/** The map of the sheets, and that of the CAMs: gray would hide in a photograph. */
const sheetMap = signal<MapName>("viridis");
const camMap = signal<MapName>("turbo");
const usedMap = () => (kind.value === "cam" ? camMap : sheetMap);
/** The map of the shown kind. */
export const mapName = computed(() => usedMap().value);
/** What it is where nobody has chosen. */
export const usualMap = computed<MapName>(() => (kind.value === "cam" ? "turbo" : "viridis"));

export function setMap(name: MapName, wanted = kind.peek()): void {
  (wanted === "cam" ? camMap : sheetMap).value = name;
}
export const rangeRule = signal<RangeRule>("run");
/** Weight of the past in the smoothed curves, 0 to below 1. */
export const smoothing = signal(0);
/** Opacity of a CAM where it is hottest. */
export const strength = signal(0.6);
/** What the heat map of layers and positions shows. */
export const STATISTICS = ["dead", "sparsity", "likeness", "change"] as const;
export type Statistic = (typeof STATISTICS)[number];
export const statistic = signal<Statistic>("dead");
/** Metrics shown in the curves, where they were chosen. */
export const metrics = signal<readonly string[] | null>(null);

export function nextMap(): void {
  setMap(MAPS[(MAPS.indexOf(mapName.peek()) + 1) % MAPS.length] ?? "viridis");
}

export const RULES = ["tile", "layer", "run", "extremes"] as const;
export function nextRange(): void {
  const rule = rangeRule.peek();
  const at = typeof rule === "string" ? RULES.indexOf(rule) : -1;
  rangeRule.value = RULES[(at + 1) % RULES.length] ?? "run";
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

const key = () => `${run.value}\n${seriesKey(kind.value ?? "", layer.value ?? "")}`;

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

/** New data lies outside of the range that the colours are fixed to. */
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
  if (typeof rule === "object") return centred(rule);
  const held = frozen.value.get(key());
  const fixed = rule === "extremes" ? held?.extremes : rule === "run" ? held?.percentiles : null;
  return centred(fixed ?? layerRange(sheet) ?? { low: 0, high: 0 });
}

/** The union of the ranges of all tiles of a sheet. */
export function layerRange(sheet: Sheet): Range | null {
  const ranges = sheet.ranges ?? new Float32Array();
  return union(
    ranges.filter((_, i) => i % 2 === 0),
    ranges.filter((_, i) => i % 2 === 1),
  );
}

/** The range of a tile's colours: the sheet's, or its own. */
export function tileRange(sheet: Sheet, tile: number, whole: Range | null): Range {
  if (whole !== null) return whole;
  const [low, high] = [sheet.ranges?.[2 * tile] ?? 0, sheet.ranges?.[2 * tile + 1] ?? 0];
  return centred({ low, high });
}

/** The diverging map has zero in its middle. */
function centred(range: Range): Range {
  return mapName.value === "balance" && Number.isFinite(range.low + range.high)
    ? symmetric(range)
    : range;
}

/** The largest value of the CAMs of the shown layer over the run. */
export const camMaximum = computed(() => {
  const columns = layer.value === null ? null : columnsOf("cam", layer.value);
  return columns === null ? Number.NaN : largest(columns);
});

/** As a page without an address begins. */
export function resetLook(): void {
  batch(() => {
    sheetMap.value = "viridis";
    camMap.value = "turbo";
    rangeRule.value = "run";
    smoothing.value = 0;
    strength.value = 0.6;
    statistic.value = "dead";
    metrics.value = null;
  });
}
