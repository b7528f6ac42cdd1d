/**
 * What a tile shows. All that the page says of a tile goes through here: the place of a tile in its
 * sheet is a channel in some kinds only, and a probe image, a class or a role in others.
 */

import type { Layout, Probe } from "./api";
import { familyOf, splitKind, tileAnImage } from "./families";
import { samePhoto } from "./probes";

export type Subject =
  /** The output of a layer's channel, or what excites it; the weights of a layer's filter. */
  | { is: "channel" | "filter"; layer: string; channel: number }
  /** A diagram with a bar for each channel. */
  | { is: "bars"; layer: string; channels: readonly number[] }
  /** The weights of all filters at once. */
  | { is: "matrix" }
  /** A probe image, null if it is not known which; `part` tells several tiles of it apart. */
  | { is: "image"; image: number | null; part: number }
  /** A map of what an image's class is: predicted, true ... */
  | { is: "role"; role: string }
  /** A class, a list of layers: what its caption says. */
  | { is: "named"; name: string }
  /** Nothing that is known; the place in the sheet. */
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

/** What each tile of a sheet shows; `probe`: that of the record's own segment. */
export function subjectsOf(kind: string, layout: Tiled, probe: Images): Subject[] {
  return Array.from({ length: layout.tiles }, (_, tile) => subjectOf(kind, layout, tile, probe));
}

function subjectOf(kind: string, layout: Tiled, tile: number, probe: Images): Subject {
  const { layer = "", bars, channels, roles, titles, column_layers: layers } = layout;
  const [row, column] = [Math.floor(tile / layout.columns), tile % layout.columns];
  if (bars !== undefined) return { is: "bars", layer, channels: bars };
  const role = roles?.[tile];
  if (role !== undefined) return { is: "role", role };
  const of = layers?.[column];
  if (of !== undefined) return { is: "channel", layer: of, channel: row };
  if (tileAnImage(kind)) return imageTile(layout, tile, row, column, probe);
  if (kind === "augmentation") {
    const image =
      layout.columns > 1 ? imageAt(layout.row_titles, rowsOf(layout), row, probe) : null;
    return { is: "image", image, part: image === null ? tile : column };
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

/** A tile a probe image; of several lists of layers a row each, a column a probe image. */
function imageTile(
  layout: Tiled,
  tile: number,
  row: number,
  column: number,
  probe: Images,
): Subject {
  const grid = layout.column_titles !== undefined || layout.row_titles !== undefined;
  const image = grid
    ? imageAt(layout.column_titles, layout.columns, column, probe)
    : imageAt(layout.titles, layout.tiles, tile, probe);
  return { is: "image", image, part: image === null ? tile : grid ? row : 0 };
}

/**
 * The probe image of one of several places. A callback may have been given some of the images only
 * or in another order, so their names count, where they are written.
 */
function imageAt(
  names: readonly string[] | undefined,
  count: number,
  place: number,
  probe: Images,
): number | null {
  const images = probe?.images ?? [];
  const name = names?.[place];
  if (name === undefined) return count === images.length ? place : null;
  for (const key of ["name", "class"] as const) {
    const found = images.flatMap((entry, index) => (entry[key] === name ? index : []));
    if (found.length === 1) return found[0] ?? null;
    // Several of one name: as they stand, if all are there.
    if (found.includes(place) && count === images.length) return place;
  }
  return null;
}

/** Filters without numbers on one tile. */
export const isMatrix = (kind: string, { tiles, channels, total }: Tiled) =>
  splitKind(kind)[0] === "kernels" && tiles === 1 && channels === undefined && total !== undefined;

/** The channels or filters of its own layer that a sheet shows, if that is what its tiles are. */
export function channelsOf(subjects: readonly Subject[], layer: string): number[] | null {
  const out: number[] = [];
  for (const one of subjects) {
    if (one.is === "bars") out.push(...one.channels);
    else if ((one.is === "channel" || one.is === "filter") && one.layer === layer) {
      out.push(one.channel);
    } else return null;
  }
  return out.length === 0 ? null : [...new Set(out)];
}

/** The tile that shows a channel, on a tile of its own or as a bar; -1 where none does. */
export const tileOfChannel = (subjects: readonly Subject[], channel: number) =>
  subjects.findIndex((one) =>
    one.is === "bars"
      ? one.channels.includes(channel)
      : (one.is === "channel" || one.is === "filter") && one.channel === channel,
  );

/** The tile that shows the same in another sheet; -1 where none does. */
export function tileOfSubject(subjects: readonly Subject[], wanted: Subject): number {
  if (wanted.is === "tile") return wanted.tile < subjects.length ? wanted.tile : -1;
  if (wanted.is === "bars") return subjects.findIndex((one) => one.is === "bars");
  const text = JSON.stringify(wanted);
  return subjects.findIndex((one) => JSON.stringify(one) === text);
}

/** The same of another probe: an image by its photograph, -1 for none that is there. */
export function inProbe(wanted: Subject, of: Probe | null, other: Probe | null): Subject | null {
  if (wanted.is !== "image" || wanted.image === null || other === of) return wanted;
  const { image } = wanted;
  if (samePhoto(of, other, image)) return wanted;
  const photo = of?.sheets[image];
  const found = other?.sheets.findIndex((one) => one[1] === photo?.[1] && one[2] === photo?.[2]);
  return photo === undefined || found === undefined || found < 0
    ? null
    : { ...wanted, image: found };
}
