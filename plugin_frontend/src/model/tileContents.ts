/**
 * What each tile of a sheet shows. Every label and number of a tile goes through here: the index of
 * a tile is a channel in some kinds only, and a probe image, a class or a role in others.
 */

import { familyOf, hasTilePerImage, splitKind } from "./families";
import { samePhoto } from "./probes";
import type { Layout, Probe } from "./records";

export type TileContent =
  /** The output or the strongest stimulus of a channel; the weights of a filter. */
  | { is: "channel" | "filter"; layer: string; channel: number }
  /** A diagram with a bar for each channel. */
  | { is: "bars"; layer: string; channels: readonly number[] }
  /** The weights of all filters at once. */
  | { is: "matrix" }
  /** A probe image, null if unknown; `tileIndex` counts the tiles of that image. */
  | { is: "image"; image: number | null; tileIndex: number }
  /** A map of what an image's class is: predicted, true ... */
  | { is: "role"; role: string }
  /** A class or a list of layers, named by its caption. */
  | { is: "named"; name: string }
  /** Unknown content: only the index in the sheet. */
  | { is: "tile"; tile: number };

type Tiled = Pick<Layout, "tiles" | "columns"> &
  Partial<
    Pick<
      Layout,
      | "layer"
      | "bars"
      | "channels"
      | "total"
      | "roles"
      | "titles"
      | "column_layers"
      | "column_titles"
      | "row_titles"
    >
  >;
type Images = Pick<Probe, "images"> | null;

/** Return what each tile of a sheet shows; `probe` is that of the record's own segment. */
export function tileContents(kind: string, layout: Tiled, probe: Images): TileContent[] {
  return Array.from({ length: layout.tiles }, (_, tile) => contentOf(kind, layout, tile, probe));
}

function contentOf(kind: string, layout: Tiled, tile: number, probe: Images): TileContent {
  const { layer = "", bars, channels, roles, titles, column_layers: layers } = layout;
  const [row, column] = [Math.floor(tile / layout.columns), tile % layout.columns];
  if (bars !== undefined) return { is: "bars", layer, channels: bars };
  const role = roles?.[tile];
  if (role !== undefined) return { is: "role", role };
  const columnLayer = layers?.[column];
  if (columnLayer !== undefined) return { is: "channel", layer: columnLayer, channel: row };
  if (hasTilePerImage(kind)) return imageTile(layout, tile, row, column, probe);
  if (kind === "augmentation") {
    const image =
      layout.columns > 1 ? imageAt(layout.row_titles, rowsOf(layout), row, probe) : null;
    return { is: "image", image, tileIndex: image === null ? tile : column };
  }
  const is = splitKind(kind)[0] === "kernels" ? "filter" : "channel";
  const channel = channels?.[tile];
  if (channel !== undefined) return { is, layer, channel };
  if (isMatrix(kind, layout)) return { is: "matrix" };
  const title = titles?.[tile];
  if (title !== undefined) return { is: "named", name: title };
  const plain = channels === undefined && layout.row_titles === undefined;
  return plain && layout.column_titles === undefined && familyOf(kind).tile !== undefined
    ? { is, layer, channel: tile }
    : { is: "tile", tile };
}

const rowsOf = ({ tiles, columns }: Tiled) => Math.ceil(tiles / columns);

/** Return the content of a tile of a probe image; with a row per list of layers, the column is the image. */
function imageTile(
  layout: Tiled,
  tile: number,
  row: number,
  column: number,
  probe: Images,
): TileContent {
  const grid = layout.column_titles !== undefined || layout.row_titles !== undefined;
  const image = grid
    ? imageAt(layout.column_titles, layout.columns, column, probe)
    : imageAt(layout.titles, layout.tiles, tile, probe);
  return { is: "image", image, tileIndex: image === null ? tile : grid ? row : 0 };
}

/**
 * Return the probe image of a row, column or tile. A callback may have been given only some of the
 * images, or in another order, so their names count if they are stored.
 */
function imageAt(
  names: readonly string[] | undefined,
  count: number,
  index: number,
  probe: Images,
): number | null {
  const images = probe?.images ?? [];
  const name = names?.[index];
  if (name === undefined) return count === images.length ? index : null;
  for (const key of ["name", "class"] as const) {
    const found = images.flatMap((entry, index) => (entry[key] === name ? index : []));
    if (found.length === 1) return found[0] ?? null;
    // Several of one name: as they stand, if all are there.
    if (found.includes(index) && count === images.length) return index;
  }
  return null;
}

/** Return whether one tile shows filters without numbers. */
export const isMatrix = (kind: string, { tiles, channels, total }: Tiled) =>
  splitKind(kind)[0] === "kernels" && tiles === 1 && channels === undefined && total !== undefined;

/** Return the channels or filters of its own layer that a sheet shows; null for other tiles. */
export function channelsOf(contents: readonly TileContent[], layer: string): number[] | null {
  const out: number[] = [];
  for (const one of contents) {
    if (one.is === "bars") out.push(...one.channels);
    else if ((one.is === "channel" || one.is === "filter") && one.layer === layer) {
      out.push(one.channel);
    } else return null;
  }
  return out.length === 0 ? null : [...new Set(out)];
}

/** Return the tile that shows a channel, on a tile of its own or as a bar; -1 if none does. */
export const tileOfChannel = (contents: readonly TileContent[], channel: number) =>
  contents.findIndex((one) =>
    one.is === "bars"
      ? one.channels.includes(channel)
      : (one.is === "channel" || one.is === "filter") && one.channel === channel,
  );

/** Return the tile that shows the same in another sheet; -1 if none does. */
export function tileOfContent(contents: readonly TileContent[], requested: TileContent): number {
  if (requested.is === "tile") return requested.tile < contents.length ? requested.tile : -1;
  if (requested.is === "bars") return contents.findIndex((one) => one.is === "bars");
  const text = JSON.stringify(requested);
  return contents.findIndex((one) => JSON.stringify(one) === text);
}

/** Find the same content in another probe: an image by its photograph; null if it is missing. */
export function inProbe(
  requested: TileContent,
  from: Probe | null,
  to: Probe | null,
): TileContent | null {
  if (requested.is !== "image" || requested.image === null || to === from) return requested;
  const { image } = requested;
  if (samePhoto(from, to, image)) return requested;
  const photo = from?.sheets[image];
  const found = to?.sheets.findIndex((one) => one[1] === photo?.[1] && one[2] === photo?.[2]);
  return photo === undefined || found === undefined || found < 0
    ? null
    : { ...requested, image: found };
}
