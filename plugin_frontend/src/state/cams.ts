/** The pictures of the CAM views: maps of the layer's own size over their photographs. */

import { computed } from "@preact/signals";
import { type Cam, drawnTiles, drawOverlay, type OverlayStyle } from "../draw/cam";
import type { MapName } from "../draw/color";
import { largest } from "../model/columns";
import { familyOf } from "../model/families";
import { signed, strength } from "./colorScale";
import { columnsOf } from "./columns";
import { photoOf } from "./photographs";
import { kind, path, probeAt } from "./selection";
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

/** The maximum that the class activation maps of the shown series reach over the run. */
export const camMaximum = computed(() => {
  const [shown, layer] = [kind.value, path.value];
  const columns = shown === null || layer === null ? null : columnsOf(shown, layer);
  if (columns === null) return Number.NaN;
  const { hi, lo, q, p } = columns;
  const [ups, downs] = familyOf(columns.kind).scale === "percentile" ? [q, p] : [hi, lo];
  return signed.value ? Math.max(largest(ups), largest(downs.map((v) => -v))) : largest(ups);
});
