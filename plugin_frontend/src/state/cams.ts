/** The pictures of the CAM views: maps of the layer's own size over their photographs. */

import { type Cam, drawnTiles, drawOverlay, type OverlayStyle } from "../draw/cam";
import type { MapName } from "../draw/color";
import { familyOf } from "../model/families";
import { camMaximum, strength } from "./colorScale";
import { photoOf } from "./photographs";
import { probeAt } from "./selection";
import type { Shown } from "./watch";

/** Return how the maps of a picture are drawn now. */
export function overlayStyleOf(shown: Shown, map: MapName): OverlayStyle {
  const { scale = "maximum" } = familyOf(shown.kind);
  return {
    map,
    scale,
    signed: shown.layout.signed === true,
    opacity: strength.value,
    maximum: camMaximum.value,
  };
}

/** Return all maps of one probe image, given by index; none if the method was not given it. */
export function camsOf(shown: Shown, index: number, style: OverlayStyle): Cam[] {
  const sheet = shown.sheets[shown.images.indexOf(index)];
  if (sheet === undefined) return [];
  const { tile: size, tiles, columns, roles } = shown.layout;
  const photo = photoOf(probeAt(shown.ordinal), index);
  return drawnTiles(sheet, tiles).map(({ tile, text }) => ({
    role: roles?.[tile] ?? "given",
    text,
    ...drawOverlay(photo, sheet, tile, size, columns, style),
  }));
}
