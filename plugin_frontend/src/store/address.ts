/** The address <=> the state. What cannot be met falls back and says so in a note. */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { MAPS } from "../colour";
import { link, onAddressChange, readAddress, writeAddress } from "../host";
import { parseStep, token } from "../positions";
import {
  type Address,
  formatRange,
  parseCount,
  parseRange,
  parseShare,
  readHash,
  writeHash,
} from "../url";
import { cursor, follow, moveTo, pinned } from "./cursor";
import { filter, firstLayer } from "./layers";
import {
  mapName,
  metrics,
  rangeRule,
  resetLook,
  smoothing,
  STATISTICS,
  type Statistic,
  statistic,
  strength,
} from "./look";
import { note } from "./notes";
import { chooseRun, pollNow } from "./poll";
import { heads, positions, run } from "./run";
import { channel, healthLayers, image, imageCount, kind, kindsOf, layer, wantedKind } from "./selection";

/** What waits for the run's heads before it can be understood. */
const waiting = signal<{ step?: string | undefined; A?: string | undefined; layer?: string | undefined }>({});

function apply(address: Address): void {
  batch(() => {
    resetLook();
    if (address.run !== undefined) chooseRun(address.run);
    waiting.value = { step: address.step, A: address.A, layer: address.layer };
    layer.value = null;
    pinned.value = null;
    follow.value = address.step === undefined;
    wantedKind.value = address.kind ?? null;
    channel.value = read(address, "channel", parseCount, null);
    image.value = read(address, "image", parseCount, 0);
    filter.value = address.filter ?? "";
    rangeRule.value = read(address, "range", parseRange, "run");
    mapName.value = read(address, "map", (text) => MAPS.find((map) => map === text) ?? null, "viridis");
    smoothing.value = read(address, "smoothing", (text) => parseShare(text, 0, 0.99), 0);
    strength.value = read(address, "strength", (text) => parseShare(text, 0, 1), 0.6);
    statistic.value = read(
      address,
      "statistic",
      (text) => STATISTICS.find((name) => name === text) ?? null,
      "dead" as Statistic,
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
  note(`The address says ${key}=${text}, which cannot be shown; the usual ${key} is.`);
  return fallback;
}

/** Steps are understood once the positions are here, layers once their series are. */
function resolve(): void {
  const now = heads.value;
  if (now === null || now.positions.length === 0) return;
  const { step, A, layer: wanted } = waiting.value;
  untracked(() =>
    batch(() => {
      if (step !== undefined) {
        const ordinal = parseStep(step, now.positions);
        if (ordinal !== null) moveTo(ordinal);
        else {
          note(`The address says step=${step}, which was not logged; the newest is shown.`);
          follow.value = true;
          moveTo(now.positions.length - 1);
          follow.value = true;
        }
      }
      if (A !== undefined) pinned.value = parseStep(A, now.positions);
      waiting.value = { layer: wanted };
    }),
  );
}

function resolveLayer(): void {
  const wanted = waiting.value.layer;
  if (heads.value === null || (heads.value.series.size === 0 && healthLayers.value.length === 0)) return;
  if (layer.value !== null && kindsOf(layer.value).length > 0) return;
  const first = firstLayer();
  untracked(() => {
    if (wanted !== undefined && kindsOf(wanted).length > 0) layer.value = wanted;
    else if (wanted !== undefined && heads.value?.latest.health !== null && healthLayers.value.length === 0) {
      // Its numbers may be all that there is of it, and they are on their way.
      return;
    } else if (layer.value === null && first !== null) {
      if (wanted !== undefined) note(`The address says layer=${wanted}, of which nothing was logged.`);
      layer.value = first;
    }
    if (layer.value !== null) waiting.value = {};
  });
}

/** What names the present view; `pinStep`: the step too where Follow would leave it out. */
export function present(pinStep = false): Address {
  const { step, A, layer: wanted } = waiting.value;
  const range = formatRange(rangeRule.value);
  const at = token(positions.value, cursor.value);
  return {
    run: run.value ?? "",
    kind: (waiting.value.layer === undefined ? kind.value : null) ?? wantedKind.value ?? "",
    layer: wanted ?? layer.value ?? "",
    channel: channel.value === null ? "" : String(channel.value),
    image: image.value === 0 ? "" : String(image.value),
    step: step ?? (follow.value && !pinStep ? "" : at),
    A: A ?? (pinned.value === null ? "" : token(positions.value, pinned.value)),
    range: range === "run" ? "" : range,
    map: mapName.value === "viridis" ? "" : mapName.value,
    filter: filter.value,
    smoothing: smoothing.value === 0 ? "" : String(smoothing.value),
    statistic: statistic.value === "dead" ? "" : statistic.value,
    metrics: metrics.value === null ? "" : metrics.value.join(","),
    strength: strength.value === 0.6 ? "" : String(strength.value),
  };
}

/** The address of exactly what is on the screen. */
export const viewLink = () => untracked(() => link(writeHash(readAddress(), present(true))));

const WRITE_MS = 250;

export function connectAddress(): void {
  apply(readHash(readAddress()));
  effect(resolve);
  effect(resolveLayer);
  effect(() => {
    if (imageCount.value > 0 && image.value >= imageCount.value) {
      note(`There is no image ${image.value}; the probe has ${imageCount.value}.`);
      image.value = 0;
    }
  });
  const address = computed(() => present());
  let timer: ReturnType<typeof setTimeout> | undefined;
  effect(() => {
    const now = address.value;
    clearTimeout(timer);
    timer = setTimeout(() => writeAddress(writeHash(readAddress(), now)), WRITE_MS);
  });
  onAddressChange(() => {
    clearTimeout(timer);
    apply(readHash(readAddress()));
    pollNow();
  });
}

