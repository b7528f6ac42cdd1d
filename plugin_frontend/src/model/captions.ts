/** What the tiles of a sheet are called. */

import { familyOf, hasTilePerImage } from "./families";
import { plural } from "./format";
import type { Layout } from "./records";
import { isMatrix } from "./tileContents";

type Captioned = Pick<
  Layout,
  "tiles" | "columns" | "titles" | "column_titles" | "row_titles" | "channels" | "total"
>;

/**
 * Captions to write under the tiles: the layout's, or the names of the images they are of.
 *
 * `images`: how many the probe has; of another number of tiles it is not known which they show.
 */
export function captionsOf(
  layout: Captioned,
  kind: string,
  imageName: (index: number) => string,
  images = layout.tiles,
): string[] | null {
  if (layout.column_titles !== undefined || layout.row_titles !== undefined) return null;
  if (layout.titles !== undefined) return layout.titles;
  if (!hasTilePerImage(kind) || images !== layout.tiles) return null;
  return Array.from({ length: layout.tiles }, (_, tile) => imageName(tile));
}

/** Return whether tiles are identified by the numbers of the layer's channels. */
export function isNumbered(layout: Captioned, kind: string): boolean {
  const named = captionsOf(layout, kind, () => "") !== null;
  return !named && !isFixed(layout) && !isMatrix(kind, layout);
}

const isFixed = (layout: Captioned) =>
  layout.column_titles !== undefined || layout.row_titles !== undefined;

/** "channel", "filter": what a tile without a caption is. */
export const nounOf = (kind: string, { channels }: Pick<Layout, "channels"> = {}) =>
  familyOf(kind).tile ?? (channels === undefined ? "tile" : "channel");

/** "cat", "image · draw 2", "Channel 7": a tile by one name. */
export function tileName(
  layout: Captioned,
  kind: string,
  tile: number,
  imageName: (index: number) => string,
  images?: number,
): string {
  const caption = captionsOf(layout, kind, imageName, images)?.[tile] ?? layout.titles?.[tile];
  if (caption !== undefined) return caption;
  if (isFixed(layout)) {
    const row = layout.row_titles?.[Math.floor(tile / layout.columns)];
    const column = layout.column_titles?.[tile % layout.columns];
    const headers = [row, column].filter((text) => text !== undefined);
    return headers.length === 2 || layout.row_titles !== undefined
      ? headers.join(" · ")
      : `${headers[0]} · row ${Math.floor(tile / layout.columns) + 1}`;
  }
  if (isMatrix(kind, layout)) return `all ${plural(layout.total ?? 0, nounOf(kind))}`;
  return `${nounOf(kind, layout)} ${layout.channels?.[tile] ?? tile}`;
}

/** Return the channel whose bar is at `x` in a diagram; null if the tile is no diagram. */
export function barAt({ bars, tile }: Pick<Layout, "bars" | "tile">, x: number): number | null {
  if (bars === undefined) return null;
  return bars[Math.floor((x * bars.length) / tile[1])] ?? null;
}

/** "64 channels", "16 of 64 filters"; empty if the tiles have captions. */
export function countOf(layout: Captioned, kind: string): string {
  if (!isNumbered(layout, kind)) return "";
  const total = layout.total ?? layout.tiles;
  const noun = nounOf(kind, layout);
  if (total > layout.tiles) return `${layout.tiles} of ${plural(total, noun)}`;
  return plural(layout.tiles, noun);
}
