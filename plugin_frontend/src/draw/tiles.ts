/** Tiles of a sheet: cut out, summarized, arranged in a grid. */

import { NEGATIVE_INFINITY } from "./color";
import type { Sheet } from "./png";

type Size = readonly [number, number];

/** The bytes of one tile, row by row. */
export function tileOf(sheet: Sheet, [h, w]: Size, columns: number, tile: number): Uint8Array {
  const per = sheet.channels;
  const out = new Uint8Array(h * w * per);
  const left = (tile % columns) * w;
  const top = Math.floor(tile / columns) * h;
  for (let y = 0; y < h; y++) {
    const from = ((top + y) * sheet.width + left) * per;
    out.set(sheet.pixels.subarray(from, from + w * per), y * w * per);
  }
  return out;
}

export interface Mark {
  /** The value of every pixel where it is one number, else null. */
  constant: boolean;
  /** Pixels that are not a finite number. */
  nonFinite: number;
}

/** Find the tiles that are flat (one value everywhere) or hold NaN or infinity. */
export function marks(sheet: Sheet, size: Size, columns: number, tiles: number): Mark[] {
  return Array.from({ length: tiles }, (_, tile) => {
    const lo = sheet.ranges?.[2 * tile];
    const hi = sheet.ranges?.[2 * tile + 1];
    if (sheet.channels === 3 || lo === undefined || hi === undefined) {
      return { constant: false, nonFinite: 0 };
    }
    let nonFinite = 0;
    for (const level of tileOf(sheet, size, columns, tile)) {
      if (level >= NEGATIVE_INFINITY) nonFinite += 1;
    }
    return { constant: nonFinite === 0 && isConstant(lo, hi), nonFinite };
  });
}

/** A range so small beside its values that what it shows is rounding. */
export function isConstant(lo: number, hi: number): boolean {
  const epsilon = 1e-6 * Math.max(Math.abs(lo), Math.abs(hi));
  return hi - lo <= Math.max(epsilon, 1e-12);
}

const ROW = 16;
/** Below this width of a tile, in CSS pixels, sixteen columns are given up. */
const MIN_TILE_WIDTH = 40;

/**
 * Return how many tiles per row fill a space best, each with `caption` CSS pixels of text under it: sixteen
 * where little size is lost by it, as in a stored sheet and at every size of the window.
 */
export function bestColumns(
  tiles: number,
  [h, w]: Size,
  width: number,
  height: number,
  caption = 0,
): number {
  const scale = (columns: number) => {
    const rows = Math.ceil(tiles / columns);
    return Math.min(width / (columns * w), (height - rows * caption) / (rows * h));
  };
  let best = 1;
  for (let columns = 2; columns <= tiles; columns++) {
    if (scale(columns) > scale(best)) best = columns;
  }
  const sixteen = scale(ROW);
  if (tiles >= ROW && sixteen * w >= MIN_TILE_WIDTH && sixteen >= 0.6 * scale(best)) return ROW;
  if (tiles < ROW) {
    // Of nearly equal sizes take the grid with the fewest empty cells.
    const large = Array.from({ length: tiles }, (_, i) => i + 1).filter(
      (columns) => scale(columns) >= 0.8 * scale(best),
    );
    const empty = (columns: number) => columns * Math.ceil(tiles / columns) - tiles;
    return large.sort((a, b) => empty(a) - empty(b) || scale(b) - scale(a))[0] ?? best;
  }
  // Round numbers make channel numbers easy to read off; a little size is given for them.
  for (const columns of [16, 8, 32, 12, 24, 10, 20, 64, 48]) {
    if (columns <= tiles && scale(columns) >= 0.86 * scale(best)) return columns;
  }
  return best;
}

export interface Grid {
  columns: number;
  rows: number;
  /** Map pixels between two columns. */
  gap: number;
  /** Map pixels between two rows: the gap and room for captions. */
  lead: number;
  width: number;
  height: number;
}

/** Small tiles get no gap: enlarged, one pixel of it would be as wide as a bar. */
export function gridOf(tiles: number, [h, w]: Size, columns: number, caption = 0): Grid {
  const gap = Math.min(h, w) >= 16 ? 1 : 0;
  const lead = gap + caption;
  const rows = Math.ceil(tiles / columns);
  return {
    columns,
    rows,
    gap,
    lead,
    width: columns * w + (columns - 1) * gap,
    height: rows * h + (rows - 1) * lead,
  };
}
