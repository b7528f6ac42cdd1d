/** The address of what is on the screen. */

import { computed, untracked } from "@preact/signals";
import { link, readAddress } from "../host/host";
import { type Address, formatRange, writeHash } from "../host/url";
import { tick, token } from "../model/positions";
import {
  defaultMap,
  defaultRange,
  mapName,
  metrics,
  rangeRule,
  smoothing,
  statistic,
  strength,
} from "./colorScale";
import { chosenPosition, cursor, follow, pinned } from "./cursor";
import { image } from "./image";
import { channel, layer } from "./layer";
import { filter } from "./layers";
import { pending } from "./pendingAddress";
import { lastRun, positions, run } from "./run";
import {
  channels,
  content,
  contents,
  imageCount,
  kind,
  pickedContents,
  requestedKind,
  shownChannel,
  shownImage,
  tile,
} from "./selection";

/** The chosen tile of a picture whose tiles are neither channels nor one image each. */
const pickedTile = computed(() => {
  const picked = pickedContents.value.get(kind.value ?? "");
  if (picked === undefined || channels.value !== null) return null;
  // The contents of its tiles are not loaded yet.
  if (contents.value.length === 0) return picked.is === "tile" ? picked.tile : null;
  const { is, ...rest } = content.value ?? { is: "tile" };
  if (tile.value < 0 || (is === "image" && "tileIndex" in rest && rest.tileIndex === 0))
    return null;
  return tile.value;
});

/** Return the address of the current view; `pinStep` includes the step even while following. */
export function present(pinStep = false): Address {
  const { step, A, layer: requested } = pending.value;
  const range = formatRange(rangeRule.value);
  // While a run or the server is loading, the requested state stays in the address.
  const coming = chosenPosition.value === null ? "" : tick(chosenPosition.value);
  const at = positions.value.length > 0 ? token(positions.value, cursor.value) : coming;
  const shown = imageCount.value > 0 ? shownImage.value : image.value;
  const number = channel.value ?? (pinStep ? shownChannel.value : null);
  return {
    run: run.value ?? lastRun.value ?? "",
    kind: (pending.value.layer === undefined ? kind.value : null) ?? requestedKind.value ?? "",
    layer: requested ?? layer.value ?? "",
    channel: number === null ? "" : String(number),
    image: shown === 0 ? "" : String(shown),
    tile: pickedTile.value === null ? "" : String(pickedTile.value),
    step: step ?? (follow.value && !pinStep ? "" : at),
    A: A ?? (pinned.value === null ? "" : token(positions.value, pinned.value)),
    range: range === formatRange(defaultRange.value) ? "" : range,
    map: mapName.value === defaultMap.value ? "" : mapName.value,
    filter: filter.value,
    smoothing: smoothing.value === 0 ? "" : String(smoothing.value),
    statistic: statistic.value === "dead" ? "" : statistic.value,
    metrics: metrics.value === null ? "" : metrics.value.join(","),
    strength: strength.value === 0.6 ? "" : String(strength.value),
  };
}

/** Return the address of exactly what is on the screen. */
export const viewLink = () => untracked(() => link(writeHash(readAddress(), present(true))));
