/** The pictures of the view, and those beside them. */

import { batch, effect, signal } from "@preact/signals";
import { type Stop, stopAll } from "../host/stops";
import { familyOf } from "../model/families";
import { channelsOf, tileContents } from "../model/tileContents";
import { photographs } from "./photographs";
import { attempt, run, seriesOf } from "./run";
import {
  brightest,
  brightestKey,
  kind,
  onScreen,
  path,
  probe,
  probeAt,
  wantedImage,
} from "./selection";
import { NO_PICTURES, type PictureRequest, type Shown, sheets, watch } from "./watch";

/** The pictures of the view: one sheet, or a map per probe image. */
export const main = signal(NO_PICTURES);

function mainRequest(): PictureRequest | null {
  const [shownKind, layer] = [kind.value, path.value];
  if (shownKind === null || layer === null) return null;
  const { view } = familyOf(shownKind);
  if (view !== "sheet" && view !== "cams") return null;
  return { kind: shownKind, layer, image: view === "cams" ? null : wantedImage.value };
}

function reportShown(): void {
  const { shown } = main.value;
  batch(() => {
    onScreen.value = shown;
    if (shown !== null && shown.image !== null) rememberBrightest(shown);
  });
}

/**
 * Remember the channel to enlarge until the user selects one: the brightest now. It is known as soon
 * as the picture is, so that no other channel is requested first.
 */
function rememberBrightest({
  kind: shownKind,
  layer,
  layout,
  ordinal,
  sheets: [sheet],
}: Shown): void {
  const ranges = sheet?.ranges ?? null;
  // Without values there is no brightest tile.
  if (ranges === null) return;
  const contents = tileContents(shownKind, layout, probeAt(ordinal));
  const byChannel = channelsOf(contents, layer) !== null;
  const key = brightestKey(shownKind, layer, byChannel);
  // In a diagram all channels share one tile.
  if (brightest.peek().has(key) || layout.bars !== undefined) return;
  let [best, maximum] = [0, 0];
  for (let tile = 0; tile < layout.tiles; tile++) {
    const here = ranges[2 * tile + 1] ?? Number.NEGATIVE_INFINITY;
    if (here > maximum) [best, maximum] = [tile, here];
  }
  const one = contents[best];
  const held = byChannel && one !== undefined && "channel" in one ? one.channel : best;
  brightest.value = new Map(brightest.peek()).set(key, held);
}

/** The picture beside it: the channel's strongest stimulus, or its response to the image. */
export const companion = signal(NO_PICTURES);

function companionRequest(): PictureRequest | null {
  const [shownKind, layer] = [kind.value, path.value];
  const other =
    shownKind === "activations"
      ? "maximization"
      : shownKind === "maximization"
        ? "activations"
        : null;
  if (other === null || layer === null || seriesOf(other, layer) === null) return null;
  return { kind: other, layer, image: wantedImage.value };
}

function requestPhotographs(): void {
  const [name, now] = [run.value, probe.value];
  void attempt.value;
  if (name === null || now === null) {
    photographs.value = { probe: null, sheets: [] };
    return;
  }
  const held = photographs.peek();
  if (held.probe?.writer === now.writer && held.sheets.every((sheet) => sheet !== null)) return;
  const refs = now.sheets.map(([offset, length, crc]) => ({
    writer: now.writer,
    offset,
    length,
    crc,
  }));
  void Promise.all(refs.map((ref) => sheets.load(name, ref).catch(() => null))).then((decoded) => {
    if (probe.peek()?.writer === now.writer) {
      photographs.value = { probe: now, sheets: decoded };
    }
  });
}

/** Return whether the picture at the cursor is on the screen; playback waits for it. */
export const isLoaded = () => !main.value.loading;

export const connectPictures = (): Stop =>
  stopAll(
    watch(main, mainRequest),
    effect(reportShown),
    watch(companion, companionRequest, false),
    effect(requestPhotographs),
  );
