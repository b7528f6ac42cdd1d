/** One map of the CAM views: of its own size, over its photograph. */

import { field, type Json, toNumber } from "../model/json";
import { levelValue, type MapName } from "./color";
import { camScale, overlay, percentile } from "./overlay";
import { toRgba } from "./paint";
import type { Sheet } from "./png";
import { tileOf } from "./tiles";

export interface Cam {
  role: string;
  /** Maximum finite value of the map. */
  own: number;
  /** Whether all its values are equal. */
  constant: boolean;
  /** The value that gets full color; 0 for a map of zeros. */
  scale: number;
  pixels: Uint8ClampedArray<ArrayBuffer>;
  width: number;
  height: number;
  text: CamText;
}

export interface CamText {
  name: string | null;
  probability: number | null;
  score: number | null;
  target: string | null;
  /** The class that it is compared with. */
  against: string | null;
  note: string | null;
}

/** Return the values of one tile as floats. */
export function values(
  sheet: Sheet,
  tile: number,
  size: readonly [number, number],
  columns: number,
): Float64Array {
  const [lo, hi] = [sheet.ranges?.[2 * tile] ?? 0, sheet.ranges?.[2 * tile + 1] ?? 0];
  return Float64Array.from(tileOf(sheet, size, columns, tile), (level) =>
    levelValue(level, lo, hi),
  );
}

/** How a map is drawn over its photograph. */
export interface OverlayStyle {
  map: MapName;
  /** Zero is the middle of the values. */
  signed: boolean;
  scale: "maximum" | "percentile";
  /** Opacity at the maximum. */
  opacity: number;
  /** The maximum over the run. */
  maximum: number;
}

/** Draw a map over its photograph; in its own colors if there is no photograph. */
export function drawOverlay(
  photo: Sheet | null | undefined,
  sheet: Sheet,
  tile: number,
  size: readonly [number, number],
  columns: number,
  { map, signed, scale: rule, opacity, maximum }: OverlayStyle,
) {
  const [h, w] = photo ? finer([photo.height, photo.width], size) : [size[0] * 8, size[1] * 8];
  const fine = rule === "percentile";
  const cover = fine ? opacity : 0;
  const under = photo?.channels === 3 ? ground(photo, [h, w], cover, signed) : plain(h, w);
  const cam = values(sheet, tile, size, columns);
  const [lo, hi] = [
    sheet.ranges?.[2 * tile] ?? Number.NaN,
    sheet.ranges?.[2 * tile + 1] ?? Number.NaN,
  ];
  const own = signed ? Math.max(hi, -lo) : hi;
  const scale = camScale(fine ? percentile(cam, SHOWN) || own : own, maximum);
  const strength = fine ? Math.sqrt(opacity) : opacity;
  const pixels = toRgba(overlay(under, [h, w], cam, size, scale, map, strength, signed));
  return { pixels, width: w, height: h, own, constant: lo === hi, scale };
}

const plain = (h: number, w: number) => new Uint8Array(3 * h * w).fill(128);

/** Share of a fine map's pixels that its colors span: a few outliers would leave the rest dark. */
export const SHOWN = 0.99;

/** The size of a photograph, doubled until no pixel of a map is lost on it. */
function finer([h, w]: readonly [number, number], [y, x]: readonly [number, number]) {
  const times = Math.max(1, Math.ceil(Math.max(y / h, x / w)));
  return [h * times, w * times] as const;
}

/**
 * The photograph by whole pixels. Under fine maps it goes into gray and fades, the more the map
 * covers it: to white under two colors, whose middle is white, else to black.
 */
function ground(
  photo: Sheet,
  [h, w]: readonly [number, number],
  cover: number,
  signed: boolean,
): Uint8Array {
  const out = new Uint8Array(3 * h * w);
  const times = h / photo.height;
  const end = signed ? 255 : 0;
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w; x++) {
      const from = 3 * (Math.floor(y / times) * photo.width + Math.floor(x / times));
      const [r = 0, g = 0, b = 0] = photo.pixels.subarray(from, from + 3);
      const gray = 0.299 * r + 0.587 * g + 0.114 * b;
      const faded = gray + (end - gray) * cover;
      out.set(cover > 0 ? [faded, faded, faded] : [r, g, b], 3 * (y * w + x));
    }
  }
  return out;
}

function texts(sheet: Sheet, tile: number): CamText {
  const list = field(sheet.text ?? undefined, "tiles");
  const entry: Json | undefined = Array.isArray(list) ? list[tile] : undefined;
  const text = (name: string) => {
    const value = field(entry, name);
    return typeof value === "string" ? value : null;
  };
  const figure = (name: string) => {
    const value = field(entry, name);
    if (typeof value === "number") return value;
    return value === "NaN" || value === "Infinity" || value === "-Infinity"
      ? toNumber(value)
      : null;
  };
  const index = field(entry, "class");
  const general = field(sheet.text ?? undefined, "note");
  return {
    name: text("name") ?? (typeof index === "number" ? `class ${index}` : null),
    probability: figure("probability"),
    score: figure("score"),
    target: text("target"),
    against: text("against_name"),
    note: text("note") ?? (typeof general === "string" ? general : null),
  };
}

/** Return the tiles of a sheet that are drawn, with their stored text. */
export function drawnTiles(sheet: Sheet, tiles: number): { tile: number; text: CamText }[] {
  const described = Array.from({ length: tiles }, (_, tile) => ({
    tile,
    text: texts(sheet, tile),
  }));
  return described.filter(({ tile, text: { name, against } }) => {
    // If the predicted class is the true one, both tiles are the same map: one is drawn.
    const twin = described.findIndex(({ text }) => text.name === name && text.against === against);
    // A class compared with itself has no map.
    return name === null || (twin >= tile && name !== against);
  });
}
