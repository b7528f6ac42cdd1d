/**
 * The pictures at the cursor: (a request for a kind, a layer and images) => their decoded sheets.
 * The newest request wins, and the old picture stays until all sheets of the new one are loaded.
 */

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { decode, type Sheet } from "../draw/png";
import type { SheetRef } from "../model/answers";
import { familyOf } from "../model/families";
import { inRange, probesOf, samePhoto, sheetOf } from "../model/probes";
import type { Layout, Probe } from "../model/records";
import { probeOf } from "../model/runIndex";
import { channelsOf, tileContents } from "../model/tileContents";
import { getSheet, getSheets } from "../net/api";
import { Sheets } from "../net/sheets";
import { type Columns, columnsOf, sheetRef, valueAt } from "./columns";
import { cursor, direction } from "./cursor";
import { attempt, run, runIndex, seriesOf } from "./run";
import { brightest, brightestKey, image, kind, onScreen, path, probe, probeAt } from "./selection";

export interface PictureRequest {
  kind: string;
  layer: string;
  /** Index of a probe image; null: all that the record has. */
  image: number | null;
}

export interface Shown extends PictureRequest {
  /** Index in the probe of each sheet's image; empty if the requested one is missing. */
  images: number[];
  /** Ordinal of the cursor that this was fetched for. */
  requested: number;
  /** Ordinal of the record: the last at or before the cursor. */
  ordinal: number;
  layout: Layout;
  sheets: Sheet[];
}

export interface Pictures {
  shown: Shown | null;
  loading: boolean;
  error: string | null;
}

export const sheets = new Sheets({ one: getSheet, many: getSheets, decode });

const AHEAD = 12;
const AHEAD_SHEETS = 64;

interface Found {
  refs: SheetRef[];
  images: number[];
  ordinal: number;
  layout: Layout;
}

/** Return the requested probe images of a record; none if the method was not given them. */
function imagesAt(layout: Layout, request: PictureRequest, probeImages: number): number[] {
  if (layout.images === 0) return [0];
  if (request.image === null) return probesOf(layout);
  const index = inRange(request.image, probeImages);
  return sheetOf(layout, index) < 0 ? [] : [index];
}

function find(columns: Columns, request: PictureRequest, record: number): Found | null {
  const known = runIndex.peek();
  const id = valueAt(columns.layouts, record);
  const layout = id === null ? undefined : known?.layouts.get(id);
  if (known === null || layout === undefined) return null;
  const ordinal = columns.ordinals.at(record);
  const recordProbe = probeOf(known, known.positions[ordinal]?.segment ?? 1);
  const images = imagesAt(layout, request, recordProbe?.images.length ?? 0);
  const refs = images.map((index) =>
    sheetRef(columns, record, sheetOf(layout, index), known.layouts),
  );
  if (refs.some((ref) => ref === null)) return null;
  return { refs: refs as SheetRef[], images, ordinal, layout };
}

/** Return the references of the next records in the direction of travel. */
function coming(
  columns: Columns,
  request: PictureRequest,
  record: number,
  way: 1 | -1,
): SheetRef[] {
  const refs: SheetRef[] = [];
  for (let i = 1; i <= AHEAD && refs.length < AHEAD_SHEETS; i++) {
    const next = record + i * way;
    if (next < 0 || next >= columns.ordinals.length) break;
    refs.push(...(find(columns, request, next)?.refs ?? []));
  }
  return refs;
}

/** Prefetch many sheets in one request, once one of the nearer half is missing. */
function prefetchNext(name: string, refs: readonly SheetRef[]): void {
  const near = refs.slice(0, Math.ceil(refs.length / 2));
  if (near.some((ref) => !sheets.has(name, ref))) void sheets.prefetch(name, refs);
}

/** Watch a request. `ahead`: fetch the neighbors as well. */
export function watch(
  request: () => PictureRequest | null,
  ahead = true,
): ReadonlySignal<Pictures> {
  const state = signal<Pictures>({ shown: null, loading: false, error: null });
  let controller: AbortController | null = null;
  // As text in signals of their own, so that an equal request starts nothing again.
  const text = computed(() => JSON.stringify(request()));
  const requested = computed(() => JSON.parse(text.value) as PictureRequest | null);
  const where = computed(() => {
    const now = requested.value;
    return now === null ? null : columnsOf(now.kind, now.layer);
  });
  const layouts = computed(() => runIndex.value?.layouts);
  const probes = computed(() => runIndex.value?.probes);

  effect(() => {
    controller?.abort();
    controller = null;
    void layouts.value;
    void probes.value;
    const name = run.value;
    const at = cursor.value;
    const now = requested.value;
    const columns = where.value;
    const before = state.peek();
    if (name === null || now === null || at < 0) {
      state.value = { shown: null, loading: false, error: null };
      return;
    }
    // A picture of another layer would be mistaken for this one's.
    const stays =
      before.shown !== null && before.shown.kind === now.kind && before.shown.layer === now.layer
        ? before.shown
        : null;
    const record = columns?.ordinals.nearest(at) ?? -1;
    const found = columns === null || record < 0 ? null : find(columns, now, record);
    if (columns === null || found === null) {
      state.value = { shown: stays, loading: true, error: null };
      return;
    }
    const finish = (decoded: Sheet[]) => {
      const { images, ordinal, layout } = found;
      state.value = {
        shown: { ...now, images, requested: at, ordinal, layout, sheets: decoded },
        loading: false,
        error: null,
      };
      if (ahead) prefetchNext(name, coming(columns, now, record, direction.peek()));
    };
    const here = found.refs.map((ref) => sheets.peek(name, ref));
    if (here.every((sheet) => sheet !== undefined)) {
      finish(here as Sheet[]);
      return;
    }
    void attempt.value;
    const mine = new AbortController();
    controller = mine;
    state.value = { shown: stays, loading: true, error: null };
    loadAll(name, found.refs, mine.signal).then(
      (decoded) => {
        if (!mine.signal.aborted) batch(() => finish(decoded));
      },
      (error: unknown) => {
        if (mine.signal.aborted) return;
        const text = error instanceof Error ? error.message : String(error);
        state.value = { shown: null, loading: false, error: text };
      },
    );
  });
  return state;
}

async function loadAll(name: string, refs: SheetRef[], signal: AbortSignal): Promise<Sheet[]> {
  // One request for several: TensorBoard's server closes every connection.
  const missing = refs.filter((ref) => sheets.peek(name, ref) === undefined);
  if (missing.length > 1) await sheets.prefetch(name, missing);
  signal.throwIfAborted();
  return Promise.all(refs.map((ref) => sheets.load(name, ref, signal)));
}

/** The pictures of the view: one sheet, or a map per probe image. */
export const main = watch(() => {
  const [shownKind, layer] = [kind.value, path.value];
  if (shownKind === null || layer === null) return null;
  const { view } = familyOf(shownKind);
  if (view !== "sheet" && view !== "cams") return null;
  return { kind: shownKind, layer, image: view === "cams" ? null : image.value };
});

effect(() => {
  const { shown } = main.value;
  batch(() => {
    onScreen.value = shown;
    if (shown !== null && shown.image !== null) rememberBrightest(shown);
  });
});

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
export const companion = watch(() => {
  const [shownKind, layer] = [kind.value, path.value];
  const other =
    shownKind === "activations"
      ? "maximization"
      : shownKind === "maximization"
        ? "activations"
        : null;
  if (other === null || layer === null || seriesOf(other, layer) === null) return null;
  return { kind: other, layer, image: image.value };
}, false);

/** The photographs themselves, decoded. */
export const photographs = signal<{ probe: Probe | null; sheets: (Sheet | null)[] }>({
  probe: null,
  sheets: [],
});

effect(() => {
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
});

/** Return a photograph of this very probe; null while it is loading. */
export function photoOf(owner: Probe | null, index: number): Sheet | null {
  const { probe: held, sheets: decoded } = photographs.value;
  return samePhoto(held, owner, index) ? (decoded[index] ?? null) : null;
}

/** Return whether the picture at the cursor is on the screen; playback waits for it. */
export const isLoaded = () => !main.value.loading;
