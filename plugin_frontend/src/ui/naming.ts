/** What is shown in words: the layer, a tile, the position, and why there is no picture. */

import { tileName } from "../captions";
import { kindLabel } from "../families";
import { lookLabel } from "../positions";
import type { Shown } from "../store/pictures";
import { positions, segmentCount } from "../store/run";
import { imageName, probe, shownImage, WHOLE } from "../store/selection";

/** A pixel of a tile. */
export interface Point {
  tile: number;
  x: number;
  y: number;
}

/** The layer that a picture is of, or the model. */
export const ownerOf = (shown: Shown) => (shown.layer === WHOLE ? "Whole model" : shown.layer);

/** A tile of what is shown by one name. */
export function nameOf(shown: Shown, tile: number): string {
  return tileName(shown.layout, shown.kind, tile, (index) => imageName(probe.value, index));
}

/** What a picture is of; where that is not the cursor's own position, it says so. */
export const whenText = ({ ordinal, asked }: Shown) =>
  lookLabel(positions.value, ordinal, asked, segmentCount.value);

/** "cat was not shown to Grad-CAM.": not every method is given every probe image. */
export function notShown(shown: Shown): string {
  const name = imageName(probe.value, shownImage.value);
  return `${name} was not shown to ${kindLabel(shown.kind)}.`;
}
