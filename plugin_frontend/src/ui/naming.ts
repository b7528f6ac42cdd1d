/** What is shown in words: the layer, a tile, the position, and why there is no picture. */

import { tileName } from "../captions";
import { kindLabel } from "../families";
import { lookLabel } from "../positions";
import { health } from "../store/health";
import type { Shown } from "../store/pictures";
import { layoutOf, positions, segmentCount } from "../store/run";
import { imageName, probe, shownImage, WHOLE } from "../store/selection";
import type { Subject } from "../subjects";

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
  const of = probe.value;
  return tileName(
    shown.layout,
    shown.kind,
    tile,
    (index) => imageName(of, index),
    of?.images.length,
  );
}

/** The probe image that the sheet on the screen is of: the chosen one may be on its way. */
export const imageOf = (shown: Shown) => shown.images[0] ?? shownImage.value;

/** Whether a tile is of a channel that its layer does not have. */
export function isEmpty(subject: Subject | null | undefined): boolean {
  if (subject?.is !== "channel") return false;
  const count = channelCount(subject.layer);
  return count !== null && subject.channel >= count;
}

/** How many channels a layer has, where that was logged. */
export const channelCount = (layer: string) =>
  health.value?.channels.get(layer) ?? layoutOf("activations", layer)?.total ?? null;

/** What a picture is of; where that is not the cursor's own position, it says so. */
export const whenText = ({ ordinal, asked }: Shown) =>
  lookLabel(positions.value, ordinal, asked, segmentCount.value);

/** "cat was not shown to Grad-CAM.": not every method is given every probe image. */
export function notShown(shown: Shown): string {
  const name = imageName(probe.value, shownImage.value);
  return `${name} was not shown to ${kindLabel(shown.kind)}.`;
}
