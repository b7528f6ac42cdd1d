/** Names of what is shown: the layer, a tile, the position, and why there is no picture. */

import { tileName } from "../model/captions";
import { kindLabel } from "../model/families";
import { snapshotLabel } from "../model/positions";
import type { TileContent } from "../model/tileContents";
import { health } from "./health";
import { WHOLE } from "./logged";
import { layoutOf, positions, segmentCount } from "./run";
import { imageName, probe, shownImage } from "./selection";
import type { Shown } from "./watch";

/** A pixel of a tile. */
export interface Point {
  tile: number;
  x: number;
  y: number;
}

/** Name the layer of a picture, or the model. */
export const ownerOf = (shown: Shown) => (shown.layer === WHOLE ? "Whole model" : shown.layer);

/** Name a tile of the shown picture. */
export function nameOf(shown: Shown, tile: number): string {
  const shownProbe = probe.value;
  return tileName(
    shown.layout,
    shown.kind,
    tile,
    (index) => imageName(shownProbe, index),
    shownProbe?.images.length,
  );
}

/** Return the probe image of the sheet on the screen: the selected one may still be loading. */
export const imageOf = (shown: Shown) => shown.images[0] ?? shownImage.value;

/** Return whether a tile shows a channel that its layer does not have. */
export function isEmpty(content: TileContent | null | undefined): boolean {
  if (content?.is !== "channel") return false;
  const count = channelCount(content.layer);
  return count !== null && content.channel >= count;
}

/** Return how many channels a layer has; null if unknown. */
export const channelCount = (layer: string) =>
  health.value?.channels.get(layer) ?? layoutOf("activations", layer)?.total ?? null;

/** Name the position of a picture, and the cursor's if it differs. */
export const whenText = ({ ordinal, requested }: Shown) =>
  snapshotLabel(positions.value, ordinal, requested, segmentCount.value);

/** Explain a missing picture: not every method is given every probe image. */
export function notShown(shown: Shown): string {
  const name = imageName(probe.value, shownImage.value);
  return `${kindLabel(shown.kind)} was not computed for ${name}.`;
}
