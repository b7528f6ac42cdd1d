/** What the CAM views draw: maps of the layer's own size laid over their photographs. */

import { levelValue, type MapName } from "../colour";
import { field, type Json, toNumber } from "../json";
import { camScale, overlay } from "../overlay";
import { toRgba } from "../paint";
import type { Sheet } from "../png";
import { camMaximum, strength } from "../store/look";
import { photoOf, type Shown } from "../store/pictures";
import { probeAt } from "../store/selection";
import { tileOf } from "../tiles";

export interface Cam {
  role: string;
  /** Greatest finite value of the map. */
  own: number;
  /** What it is drawn by; 0 for a map of zeros. */
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
  note: string | null;
}

/** The values of one tile as floats. */
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

/** A map over its photograph; the map's own colours where there is no photograph. */
export function lay(
  photo: Sheet | null | undefined,
  sheet: Sheet,
  tile: number,
  size: readonly [number, number],
  columns: number,
  map: MapName,
) {
  const [h, w] = photo ? [photo.height, photo.width] : [size[0] * 8, size[1] * 8];
  const rgb = photo?.channels === 3 ? photo.pixels : new Uint8Array(3 * h * w).fill(128);
  const own = sheet.ranges?.[2 * tile + 1] ?? Number.NaN;
  const scale = camScale(own, camMaximum.value);
  const cam = values(sheet, tile, size, columns);
  const pixels = toRgba(overlay(rgb, [h, w], cam, size, scale, map, strength.value));
  return { pixels, width: w, height: h, own, scale };
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
    note: text("note") ?? (typeof general === "string" ? general : null),
  };
}

/** All maps of one probe image, named by its index; none where it was not shown to the method. */
export function camsOf(shown: Shown, index: number, map: MapName): Cam[] {
  const sheet = shown.sheets[shown.images.indexOf(index)];
  if (sheet === undefined) return [];
  const { tile, tiles, columns, roles } = shown.layout;
  const photo = photoOf(probeAt(shown.ordinal), index);
  const described = Array.from({ length: tiles }, (_, at) => texts(sheet, at));
  return described.flatMap((text, at) => {
    // Where the predicted class is the true one, both tiles are the same map: one is drawn.
    if (text.name !== null && described.findIndex((other) => other.name === text.name) < at)
      return [];
    return [
      {
        role: roles?.[at] ?? "given",
        text,
        ...lay(photo, sheet, at, tile, columns, map),
      },
    ];
  });
}
