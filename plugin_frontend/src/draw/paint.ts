/** (a sheet, a grid, ranges, a color map) => the RGBA pixels of the grid, one a map pixel. */

import { LEVELS, levelColors, levelValue, type MapName, type Range } from "./color";
import type { Sheet } from "./png";
import type { Grid } from "./tiles";

export interface Painted {
  /** RGBA; gaps and unused cells are transparent. */
  pixels: Uint8ClampedArray<ArrayBuffer>;
  /** Share of the finite values that lie outside of their range. */
  clipped: number;
}

export interface Tiling {
  tile: readonly [number, number];
  tiles: number;
  columns: number;
}

export function paintGrid(
  sheet: Sheet,
  { tile: [h, w], tiles, columns }: Tiling,
  grid: Grid,
  rangeOf: (tile: number) => Range,
  map: MapName,
): Painted {
  const pixels = new Uint8ClampedArray(grid.width * grid.height * 4);
  const out = new Uint32Array(pixels.buffer);
  const counts = { clipped: 0, finite: 0 };
  for (let tile = 0; tile < tiles; tile++) {
    const from = Math.floor(tile / columns) * h * sheet.width + (tile % columns) * w;
    const row = Math.floor(tile / grid.columns) * (h + grid.lead);
    const to = row * grid.width + (tile % grid.columns) * (w + grid.gap);
    if (sheet.channels === 3) copyRgb(sheet, from, pixels, to, grid.width, h, w);
    else paintTile(sheet, tile, from, out, to, grid.width, h, w, rangeOf(tile), map, counts);
  }
  return { pixels, clipped: counts.finite === 0 ? 0 : counts.clipped / counts.finite };
}

function copyRgb(
  sheet: Sheet,
  from: number,
  pixels: Uint8ClampedArray,
  to: number,
  width: number,
  h: number,
  w: number,
): void {
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const source = 3 * (from + y * sheet.width + x);
      const target = 4 * (to + y * width + x);
      pixels[target] = sheet.pixels[source] ?? 0;
      pixels[target + 1] = sheet.pixels[source + 1] ?? 0;
      pixels[target + 2] = sheet.pixels[source + 2] ?? 0;
      pixels[target + 3] = 255;
    }
  }
}

function paintTile(
  sheet: Sheet,
  tile: number,
  from: number,
  out: Uint32Array,
  to: number,
  width: number,
  h: number,
  w: number,
  range: Range,
  map: MapName,
  counts: { clipped: number; finite: number },
): void {
  const lo = sheet.ranges?.[2 * tile] ?? 0;
  const hi = sheet.ranges?.[2 * tile + 1] ?? 0;
  const colors = new Uint32Array(levelColors(lo, hi, range, map).buffer);
  const beyond = outside(lo, hi, range);
  for (let y = 0; y < h; y++) {
    let source = from + y * sheet.width;
    let target = to + y * width;
    for (let x = 0; x < w; x++) {
      const level = sheet.pixels[source++] ?? 0;
      out[target++] = colors[level] ?? 0;
      counts.clipped += beyond[level] ?? 0;
      if (level <= LEVELS) counts.finite += 1;
    }
  }
}

/** 1 for each level whose value the range cuts off. Half a level is rounding, not cutting. */
function outside(lo: number, hi: number, { low, high }: Range): Uint8Array {
  const half = (hi - lo) / LEVELS / 2;
  return Uint8Array.from({ length: 256 }, (_, level) => {
    const value = levelValue(level, lo, hi);
    return level <= LEVELS && (value < low - half || value > high + half) ? 1 : 0;
  });
}

/** RGB bytes as RGBA. */
export function toRgba(rgb: Uint8Array): Uint8ClampedArray<ArrayBuffer> {
  const out = new Uint8ClampedArray((rgb.length / 3) * 4);
  for (let i = 0, o = 0; i < rgb.length; i += 3, o += 4) {
    out[o] = rgb[i] ?? 0;
    out[o + 1] = rgb[i + 1] ?? 0;
    out[o + 2] = rgb[i + 2] ?? 0;
    out[o + 3] = 255;
  }
  return out;
}

/** Put pixels on a canvas of exactly their size. */
export function put(
  canvas: HTMLCanvasElement,
  pixels: Uint8ClampedArray<ArrayBuffer>,
  width: number,
  height: number,
): void {
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  canvas.getContext("2d")?.putImageData(new ImageData(pixels, width, height), 0, 0);
}
