/** Names of what is shown: the layer, a tile, the position, and why there is no picture. */

import { computed } from "@preact/signals";
import { tileName } from "../model/captions";
import { epochCount, label, type Position, snapshotLabel, token } from "../model/positions";
import type { TileContent } from "../model/tileContents";
import { position } from "./cursor";
import { health } from "./health";
import { kindName } from "./kindNames";
import { WHOLE } from "./logged";
import { layoutOf, positions, runIndex, segmentCount } from "./run";
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

/** Return how many epochs the fit of a position was to have; null if unknown. */
export const plannedEpochs = ({ segment }: Position) =>
  runIndex.value?.segments.find((entry) => entry.segment === segment)?.epochs ?? null;

/** Name a position and say which epoch it is: "epoch 9 (10th of 12)". */
const fullLabel = (at: Position) =>
  `${label(at, segmentCount.value)} (${epochCount(at, plannedEpochs(at))})`;

/** The full name of the position of the cursor. */
export const cursorText = computed(() =>
  position.value === null ? "" : fullLabel(position.value),
);

/** Name the position of a picture where there is no footer beside it. */
export function fullWhen(shown: Shown): string {
  const at = positions.value[shown.ordinal];
  return at === undefined || shown.ordinal !== shown.requested ? whenText(shown) : fullLabel(at);
}

/** Name the position of a picture in a file name: "epoch4", "epoch1:4@300". */
export const stepName = ({ ordinal }: Shown) => `epoch${token(positions.value, ordinal)}`;

/** Name the position of a picture, and the cursor's if it differs. */
export const whenText = ({ ordinal, requested }: Shown) =>
  snapshotLabel(positions.value, ordinal, requested, segmentCount.value);

/** Explain a missing picture: not every method is given every probe image. */
export function notShown(shown: Shown): string {
  const name = imageName(probe.value, shownImage.value);
  return `${kindName(shown.kind)} was not computed for ${name}.`;
}
