/** The address <=> the state. What cannot be met falls back and says so in a note. */

import { batch, computed, effect, untracked } from "@preact/signals";
import { MAPS } from "../color";
import { link, onAddressChange, readAddress, writeAddress } from "../host";
import { parseStep, tick, token } from "../positions";
import { MAPPED } from "../statistics";
import {
  type Address,
  formatRange,
  parseCount,
  parseRange,
  parseShare,
  readHash,
  writeHash,
} from "../url";
import {
  mapName,
  metrics,
  rangeRule,
  resetLook,
  setMap,
  setRange,
  smoothing,
  statistic,
  strength,
  usualMap,
  usualRange,
} from "./colorScale";
import { cursor, follow, moveTo, pinned, setFollow, stayed } from "./cursor";
import { filter, firstLayer, isLayer } from "./layers";
import { note } from "./notes";
import { waiting } from "./pendingAddress";
import { chooseRun, pollNow } from "./poll";
import { generation, lastRun, positions, run } from "./run";
import {
  backToMeant,
  channel,
  channels,
  forgetChoices,
  healthComes,
  image,
  imageCount,
  kind,
  layer,
  layerMeant,
  layersWith,
  pathOf,
  picks,
  shownChannel,
  shownImage,
  standIn,
  subject,
  subjects,
  tile,
  wantedKind,
} from "./selection";
import { tablesAsked } from "./tables";

function apply(address: Address): void {
  batch(() => {
    resetLook();
    if (address.run !== undefined) chooseRun(address.run);
    const { step, A, layer: wanted, kind: asked } = address;
    waiting.value = { step, A, layer: wanted, kind: asked };
    forgetChoices();
    pinned.value = null;
    setFollow(address.step === undefined);
    stayed.value = null;
    wantedKind.value = address.kind ?? null;
    channel.value = read(address, "channel", parseCount, null);
    image.value = read(address, "image", parseCount, 0);
    const at = read(address, "tile", parseCount, null);
    if (at !== null) picks.value = new Map([[address.kind ?? "", { is: "tile", tile: at }]]);
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
  note(`The address says ${key}=${text}, which cannot be shown; the usual ${key} is.`);
  return fallback;
}

/** Steps are understood once the positions are here. */
function resolveSteps(): void {
  const list = positions.value;
  const { step, A } = waiting.value;
  if (list.length === 0 || (step === undefined && A === undefined)) return;
  untracked(() =>
    batch(() => {
      waiting.value = { ...waiting.peek(), step: undefined, A: undefined };
      if (A !== undefined) pinned.value = parseStep(A, list);
      if (step === undefined) return;
      const ordinal = parseStep(step, list);
      if (ordinal !== null) return moveTo(ordinal);
      note(`The address says step=${step}, which was not logged; the newest is shown.`);
      setFollow(true);
    }),
  );
}

/** The generation in which the layer that is meant was looked for. */
let lookedFor = -1;

/** What stayed chosen over a change of run comes back where that layer shows what is looked at. */
function bringBack(): void {
  const meant = layerMeant();
  if (lookedFor === generation.value || meant === null) return;
  const wanted = wantedKind.value ?? "";
  if (tablesAsked.value) lookedFor = generation.value;
  if (meant === layer.value || !isLayer(meant)) return;
  if (pathOf(wanted, meant) !== null || pathOf(wanted, layer.value) === null) backToMeant();
}

/** Layers are understood once it is known which there are. */
function resolveLayer(): void {
  if (positions.value.length === 0) return;
  bringBack();
  if (layer.value !== null && (isLayer(layer.value) || !tablesAsked.value)) return;
  const { layer: wanted, kind: asked } = waiting.value;
  // A picture that the first layer lacks is of the last that has it: Grad-CAM looks there.
  const usual = firstLayer();
  const first =
    pathOf(asked ?? "", usual) === null ? (layersWith(asked ?? "").at(-1) ?? usual) : usual;
  if (wanted && !isLayer(wanted)) {
    // Its numbers or its place in the model may be on their way.
    if (!tablesAsked.value) return;
    untracked(() => note(`The address says layer=${wanted}, of which nothing was logged.`));
    channel.value = null;
  }
  const opened = wanted !== undefined && isLayer(wanted) ? wanted : first;
  if (opened === null) return;
  batch(() => {
    // It stayed open over a change of run, and this one does not have it.
    if (layer.peek() !== null) standIn(opened);
    else layer.value = opened;
    waiting.value = { ...waiting.peek(), layer: undefined };
  });
}

/** Whether a layer has the kind is known once the layer is. */
function resolveKind(): void {
  const { kind: asked, layer: coming } = waiting.value;
  if (asked === undefined || coming !== undefined || kind.value === null) return;
  if ((kind.value !== asked || healthComes.value) && !tablesAsked.value) return;
  untracked(() => {
    if (kind.peek() !== asked && wantedKind.peek() === asked) {
      const of = layer.peek() ? ` of ${layer.peek()}` : "";
      note(`The address says kind=${asked}, which was not logged${of}; this is ${kind.peek()}.`);
    }
    waiting.value = { ...waiting.peek(), kind: undefined };
  });
}

/** The chosen tile of a picture whose tiles are neither channels nor an image each. */
const pickedTile = computed(() => {
  const picked = picks.value.get(kind.value ?? "");
  if (picked === undefined || channels.value !== null) return null;
  // It is not known yet what its tiles are.
  if (subjects.value.length === 0) return picked.is === "tile" ? picked.tile : null;
  const { is, ...rest } = subject.value ?? { is: "tile" };
  if (tile.value < 0 || (is === "image" && "part" in rest && rest.part === 0)) return null;
  return tile.value;
});

/** What names the present view; `pinStep`: the step too where Follow would leave it out. */
export function present(pinStep = false): Address {
  const { step, A, layer: wanted } = waiting.value;
  const range = formatRange(rangeRule.value);
  // While a run or the server is on its way, what is meant stays in the address.
  const coming = stayed.value === null ? "" : tick(stayed.value);
  const at = positions.value.length > 0 ? token(positions.value, cursor.value) : coming;
  const shown = imageCount.value > 0 ? shownImage.value : image.value;
  const number = channel.value ?? (pinStep ? shownChannel.value : null);
  return {
    run: run.value ?? lastRun.value ?? "",
    kind: (waiting.value.layer === undefined ? kind.value : null) ?? wantedKind.value ?? "",
    layer: wanted ?? layer.value ?? "",
    channel: number === null ? "" : String(number),
    image: shown === 0 ? "" : String(shown),
    tile: pickedTile.value === null ? "" : String(pickedTile.value),
    step: step ?? (follow.value && !pinStep ? "" : at),
    A: A ?? (pinned.value === null ? "" : token(positions.value, pinned.value)),
    range: range === formatRange(usualRange.value) ? "" : range,
    map: mapName.value === usualMap.value ? "" : mapName.value,
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
  effect(resolveSteps);
  effect(resolveLayer);
  effect(resolveKind);
  let told = "";
  effect(() => {
    // It stays chosen: another fit or run of this page may have it.
    const now = `${generation.value} ${image.value} ${imageCount.value}`;
    if (imageCount.value === 0 || image.value < imageCount.value || now === told) return;
    told = now;
    note(`There is no image ${image.value}; the probe has ${imageCount.value}.`);
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
