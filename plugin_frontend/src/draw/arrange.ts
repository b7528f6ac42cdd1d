/** (a layout, room on the screen) => where its tiles, captions and headers go. */

import type { Layout } from "../model/records";
import { bestColumns, type Grid, gridOf } from "./tiles";

export interface Arrangement {
  grid: Grid;
  /** CSS pixels a map pixel. */
  scale: number;
  /** CSS pixels of text under each tile; 0 where there is none. */
  caption: number;
  /** CSS pixels of the headers beside and over the tiles. */
  left: number;
  top: number;
  /** Column headers are slanted if they are wider than their columns. */
  slanted: boolean;
}

type Shape = Pick<Layout, "tile" | "tiles" | "columns" | "column_titles" | "row_titles">;

const CAPTION = 18;
const HEADER = 20;
/** About the width of a letter. */
const LETTER = 6.4;
const BOLD = 7.4;
/** Minimum width of a tile in a fixed grid: below it the sheet scrolls. */
const MIN_TILE_WIDTH = 40;
/** Minimum width of a tile with a caption under it. */
const MIN_CAPTIONED_WIDTH = 44;
/** Maps of a few pixels are not enlarged beyond this, or they would be as large as flags. */
const TINY = 16;
const MAX_TINY_WIDTH = 112;

/** Length of a slanted header, in CSS pixels; as in the style sheet. */
const MAX_SLANTED_LENGTH = 110;

const longest = (texts: readonly string[]) => Math.max(0, ...texts.map((text) => text.length));

/** Keep a stored grid that has headers; else let the tiles flow to fill the room. */
export function arrange(
  layout: Shape,
  room: { width: number; height: number },
  captions: boolean,
  pixelRatio = 1,
): Arrangement {
  const { tile, tiles, column_titles: across, row_titles: down } = layout;
  const left = down === undefined ? 0 : Math.min(140, Math.ceil(longest(down) * BOLD) + 14);
  const fixed = across !== undefined || down !== undefined;
  const fill = (top: number, caption: number, right = 0): Arrangement => {
    const width = Math.max(room.width - left - right, 1);
    const height = Math.max(room.height - top, 1);
    const columns = fixed ? layout.columns : bestColumns(tiles, tile, width, height, caption);
    const plain = gridOf(tiles, tile, columns);
    const wide = width / plain.width;
    const high = (height - plain.rows * caption) / plain.height;
    const limit = Math.max(...tile) <= TINY ? MAX_TINY_WIDTH / Math.max(...tile) : wide;
    const free = Math.min(Math.max(high, fixed ? MIN_TILE_WIDTH / tile[1] : 0), wide, limit);
    const scale = wholePixels(Math.max(free, 1e-3), pixelRatio);
    const grid = gridOf(tiles, tile, columns, caption === 0 ? 0 : Math.ceil(caption / scale));
    return { grid, scale, caption, left, top, slanted: false };
  };
  if (across !== undefined) {
    const straight = fill(HEADER, 0);
    const column = (tile[1] + straight.grid.gap) * straight.scale;
    const text = longest(shortened(across)) * LETTER;
    if (text <= column - 4) return straight;
    const reach = Math.min(text, MAX_SLANTED_LENGTH);
    return { ...fill(Math.ceil(0.6 * reach) + 18, 0, 0.8 * reach), slanted: true };
  }
  if (!captions) return fill(0, 0);
  const captioned = fill(0, CAPTION);
  return tile[1] * captioned.scale >= MIN_CAPTIONED_WIDTH ? captioned : fill(0, 0);
}

/** Enlarged by whole device pixels where little room is lost by it: all map pixels equal. */
function wholePixels(free: number, pixelRatio: number): number {
  const whole = Math.floor(free * pixelRatio) / pixelRatio;
  return whole >= 1 && whole >= 0.93 * free ? whole : free;
}

/** Shorten paths to their last parts, as many as are needed to keep them apart: `a/b/c`, `a/d` => `c`, `d`. */
export function shortened(paths: readonly string[]): string[] {
  const out = new Map<string, string>();
  let left = [...new Set(paths)];
  for (let parts = 1; left.length > 0; parts++) {
    const tails = left.map((path) => path.split("/").slice(-parts).join("/"));
    const seen = new Map<string, number>();
    for (const tail of tails) seen.set(tail, (seen.get(tail) ?? 0) + 1);
    left = left.filter((path, i) => {
      const tail = tails[i] ?? path;
      const unique = seen.get(tail) === 1 || tail === path;
      if (unique) out.set(path, tail);
      return !unique;
    });
  }
  return paths.map((path) => out.get(path) ?? path);
}

/** Rows of a map that have a label, and the label's top: the chosen one, and others if apart. */
export function rowLabels(
  paths: readonly string[],
  rowHeight: number,
  line: number,
  chosen: number,
): { path: string; row: number; top: number }[] {
  const lowest = Math.max(0, paths.length * rowHeight - line);
  const all = paths.map((path, row) => ({ path, row, top: Math.min(row * rowHeight, lowest) }));
  const every = Math.ceil(line / rowHeight);
  const out = all.filter(({ row }) => row === chosen);
  for (const label of all) {
    // Less than half a pixel is the rounding of fractions.
    const free = out.every(({ top }) => Math.abs(label.top - top) > line - 0.5);
    if (label.row % every === 0 && free) out.push(label);
  }
  return out.sort((a, b) => a.row - b.row);
}
