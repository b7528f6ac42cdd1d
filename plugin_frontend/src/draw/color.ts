/**
 * (levels, the range of each tile, the range to show) => RGB.
 *
 * The same rules as `tbviz/images/colormaps.py` and `ranges.py`; `tests/golden/vectors.json`
 * holds both to them.
 */

import { BALANCE, type Steps, TURBO, VIRIDIS } from "./colorTables";

/** The highest level of a finite value; 253 to 255 are minus infinity, plus infinity, NaN. */
export const LEVELS = 252;
export const NEGATIVE_INFINITY = 253;
export const POSITIVE_INFINITY = 254;
export const NOT_A_NUMBER = 255;

export const MAPS = ["gray", "viridis", "turbo", "balance"] as const;
export type MapName = (typeof MAPS)[number];

/** What people read; `balance` is the one for signed data. */
export const mapLabel = (name: MapName) => (name === "balance" ? "diverging" : name);

type Rgb = readonly [number, number, number];
export const NAN_COLOR: Rgb = [255, 0, 255];
export const POS_INF_COLOR: Rgb = [255, 150, 255];
export const NEG_INF_COLOR: Rgb = [0, 255, 255];

export interface Range {
  low: number;
  high: number;
}

function fromSteps({ first, steps }: Steps): Uint8Array {
  const map = new Uint8Array(768);
  steps.forEach((letters, channel) => {
    let level = first[channel] ?? 0;
    map[channel] = level;
    for (let i = 0; i < letters.length; i++) {
      level += letters.charCodeAt(i) - 78;
      map[3 * (i + 1) + channel] = level;
    }
  });
  return map;
}

const tables: Record<MapName, Uint8Array> = {
  gray: Uint8Array.from({ length: 768 }, (_, i) => Math.floor(i / 3)),
  viridis: fromSteps(VIRIDIS),
  turbo: fromSteps(TURBO),
  balance: fromSteps(BALANCE),
};

/** 256 RGB colors, end to end. */
export function colorMap(name: MapName): Uint8Array {
  return tables[name];
}

/** Return the index of the color at a share of the way through a map; NaN counts as 0. */
export function colorIndex(share: number): number {
  const cut = share > 0 ? Math.min(share, 1) : 0;
  return Math.floor(cut * 255 + 0.5);
}

/** The value that a level of a tile stands for. */
export function levelValue(level: number, lo: number, hi: number): number {
  if (level === NEGATIVE_INFINITY) return Number.NEGATIVE_INFINITY;
  if (level === POSITIVE_INFINITY) return Number.POSITIVE_INFINITY;
  if (level === NOT_A_NUMBER) return Number.NaN;
  return lo + ((hi - lo) * level) / LEVELS;
}

/**
 * The colors of the 256 levels of one tile, as RGBA bytes.
 *
 * `t = (v - low) / (high - low)` cut to 0 to 1, color number `floor(t * 255 + 0.5)`. Where
 * `high - low` is not a positive finite number `t` is 0.
 */
export function levelColors(lo: number, hi: number, range: Range, name: MapName): Uint8Array {
  const map = colorMap(name);
  const out = new Uint8Array(1024);
  const extent = range.high - range.low;
  const shown = extent > 0 && Number.isFinite(extent);
  for (let level = 0; level < 256; level++) {
    const value = levelValue(level, lo, hi);
    const at = 3 * colorIndex(shown ? (value - range.low) / extent : 0);
    out[4 * level] = map[at] ?? 0;
    out[4 * level + 1] = map[at + 1] ?? 0;
    out[4 * level + 2] = map[at + 2] ?? 0;
    out[4 * level + 3] = 255;
    if (level === POSITIVE_INFINITY) out.set(POS_INF_COLOR, 4 * level);
    else if (level === NEGATIVE_INFINITY) out.set(NEG_INF_COLOR, 4 * level);
    else if (Number.isNaN(value)) out.set(NAN_COLOR, 4 * level);
  }
  return out;
}

/** A map as a CSS gradient, for color bars. */
export function gradient(name: MapName): string {
  const map = colorMap(name);
  const stops = Array.from({ length: 17 }, (_, i) => {
    const at = 3 * Math.round((i * 255) / 16);
    return `rgb(${map[at]},${map[at + 1]},${map[at + 2]})`;
  });
  return `linear-gradient(90deg,${stops.join(",")})`;
}

/** Return the union of ranges, of finite values only; null if there is none. */
export function union(los: Iterable<number>, his: Iterable<number>): Range | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const lo of los) if (Number.isFinite(lo) && lo < low) low = lo;
  for (const hi of his) if (Number.isFinite(hi) && hi > high) high = hi;
  return low <= high ? { low, high } : null;
}

/** The range with zero in its middle, for the diverging map. */
export function symmetric(range: Range): Range {
  const reach = Math.max(Math.abs(range.low), Math.abs(range.high));
  return { low: -reach, high: reach };
}
