/** The address <=> the state. An invalid part falls back to a default, with a note. */

import { batch, computed, effect, untracked } from "@preact/signals";
import { MAPS } from "../draw/color";
import { onAddressChange, readAddress, writeAddress } from "../host/host";
import { type Stop, stopAll } from "../host/stops";
import { type Address, parseCount, parseRange, parseShare, readHash, writeHash } from "../host/url";
import { plural } from "../model/format";
import { parseStep } from "../model/positions";
import { MAPPED } from "../model/statistics";
import {
  metrics,
  resetColorScale,
  setMap,
  setRange,
  smoothing,
  statistic,
  strength,
} from "./colorScale";
import { chosenPosition, moveTo, pinned, setFollow } from "./cursor";
import { image } from "./image";
import { kindName } from "./kindNames";
import { channel, chosenLayer, layer, restoreChosenLayer, substituteLayer } from "./layer";
import { filter, firstLayer, isLayer } from "./layers";
import { healthComes, layersWith, pathOf } from "./logged";
import { note } from "./notes";
import { pending } from "./pendingAddress";
import { chooseRun, pollNow } from "./poll";
import { generation, positions } from "./run";
import { imageCount, kind, pickedContents, requestedKind, resetSelection } from "./selection";
import { tablesRequested } from "./tables";
import { present } from "./view";

function apply(address: Address): void {
  batch(() => {
    resetColorScale();
    if (address.run !== undefined) chooseRun(address.run);
    const { step, A, layer, kind } = address;
    pending.value = { step, A, layer, kind };
    resetSelection();
    pinned.value = null;
    setFollow(address.step === undefined);
    chosenPosition.value = null;
    requestedKind.value = address.kind ?? null;
    channel.value = read(address, "channel", parseCount, null);
    image.value = read(address, "image", parseCount, 0);
    const at = read(address, "tile", parseCount, null);
    if (at !== null)
      pickedContents.value = new Map([[address.kind ?? "", { is: "tile", tile: at }]]);
    filter.value = address.filter ?? "";
    const range = read(address, "range", parseRange, null);
    if (range !== null) setRange(range, address.kind ?? null);
    const map = read(address, "map", (text) => MAPS.find((name) => name === text) ?? null, null);
    if (map !== null) setMap(map, address.kind ?? null);
    smoothing.value = read(address, "smoothing", (text) => parseShare(text, 0, 0.99), 0);
    strength.value = read(address, "strength", (text) => parseShare(text, 0, 1), 0.6);
    statistic.value = read(
      address,
      "statistic",
      (text) => MAPPED.find((name) => name === text) ?? null,
      "dead",
    );
    metrics.value = address.metrics === undefined ? null : address.metrics.split(",");
    read(address, "view", (text) => (text === "grid" ? text : null), "grid");
  });
}

function read<T, D>(
  address: Address,
  key: keyof Address,
  parse: (text: string) => T | null,
  fallback: D,
): T | D {
  const text = address[key];
  if (text === undefined) return fallback;
  const value = parse(text);
  if (value !== null) return value;
  note(`The address has an invalid value, ${key}=${text}; using the default.`);
  return fallback;
}

/** Resolve steps once the positions are loaded. */
function resolveSteps(): void {
  const list = positions.value;
  const { step, A } = pending.value;
  if (list.length === 0 || (step === undefined && A === undefined)) return;
  untracked(() =>
    batch(() => {
      pending.value = { ...pending.peek(), step: undefined, A: undefined };
      if (A !== undefined) pinned.value = parseStep(A, list);
      if (step === undefined) return;
      const ordinal = parseStep(step, list);
      if (ordinal !== null) return moveTo(ordinal);
      note(`Nothing was logged at step “${step}”; showing the newest.`);
      setFollow(true);
    }),
  );
}

/** The generation in which the chosen layer was searched for. */
let resolvedGeneration = -1;

/** Restore the layer that was chosen before a change of run, if it has the open kind. */
function restoreLayer(): void {
  const chosen = chosenLayer();
  if (resolvedGeneration === generation.value || chosen === null) return;
  const requested = requestedKind.value ?? "";
  if (tablesRequested.value) resolvedGeneration = generation.value;
  if (chosen === layer.value || !isLayer(chosen)) return;
  if (pathOf(requested, chosen) !== null || pathOf(requested, layer.value) === null)
    restoreChosenLayer();
}

/** Resolve the layer once it is known which layers exist. */
function resolveLayer(): void {
  if (positions.value.length === 0) return;
  restoreLayer();
  if (layer.value !== null && (isLayer(layer.value) || !tablesRequested.value)) return;
  const { layer: requested, kind: pendingKind } = pending.value;
  // A kind that the first layer lacks opens the last layer that has it, as Grad-CAM uses it.
  const usual = firstLayer();
  const first =
    pathOf(pendingKind ?? "", usual) === null
      ? (layersWith(pendingKind ?? "").at(-1) ?? usual)
      : usual;
  if (requested && !isLayer(requested)) {
    // Its numbers or its node in the model may still be loading.
    if (!tablesRequested.value) return;
    const instead = first === null ? "" : `; showing ${first}`;
    untracked(() => note(`Nothing was logged for layer “${requested}”${instead}.`));
    channel.value = null;
  }
  const opened = requested !== undefined && isLayer(requested) ? requested : first;
  if (opened === null) return;
  batch(() => {
    // The layer was open before a change of run, and this run lacks it.
    if (layer.peek() !== null) substituteLayer(opened);
    else layer.value = opened;
    pending.value = { ...pending.peek(), layer: undefined };
  });
}

/** Resolve the kind once the layer is resolved. */
function resolveKind(): void {
  const { kind: requested, layer: coming } = pending.value;
  if (requested === undefined || coming !== undefined || kind.value === null) return;
  if ((kind.value !== requested || healthComes.value) && !tablesRequested.value) return;
  untracked(() => {
    if (kind.peek() !== requested && requestedKind.peek() === requested) {
      const owner = layer.peek() ? ` for ${layer.peek()}` : "";
      const shown = kindName(kind.peek() ?? "");
      note(`${kindName(requested)} was not logged${owner}; showing ${shown}.`);
    }
    pending.value = { ...pending.peek(), kind: undefined };
  });
}

/** The image that a note has reported as missing. */
let reportedImage = "";

/** Report a requested image that the run lacks. It stays chosen: another fit or run may have it. */
function reportImage(): void {
  const now = `${generation.value} ${image.value} ${imageCount.value}`;
  if (imageCount.value === 0 || image.value < imageCount.value || now === reportedImage) return;
  reportedImage = now;
  note(
    `There is no image ${image.value}; this run has ${plural(imageCount.value, "probe image")}.`,
  );
}

const WRITE_MS = 250;

const address = computed(() => present());
let timer: ReturnType<typeof setTimeout> | undefined;

function write(): void {
  const now = address.value;
  clearTimeout(timer);
  timer = setTimeout(() => writeAddress(writeHash(readAddress(), now)), WRITE_MS);
}

/** Take the state from the address, then keep the address and the state alike. */
export function connectAddress(): Stop {
  apply(readHash(readAddress()));
  return stopAll(
    () => clearTimeout(timer),
    effect(resolveSteps),
    effect(resolveLayer),
    effect(resolveKind),
    effect(reportImage),
    effect(write),
    onAddressChange(() => {
      clearTimeout(timer);
      apply(readHash(readAddress()));
      pollNow();
    }),
  );
}
