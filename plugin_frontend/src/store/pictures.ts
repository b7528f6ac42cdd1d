/**
 * The pictures at the cursor: (a wish for a kind, a layer and images) => their decoded sheets.
 * The newest wish wins, and what was shown stays until all sheets of it are here.
 */

import { batch, computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { getSheet, getSheets, type Layout, type Probe, type SheetRef } from "../api";
import { familyOf } from "../families";
import { decode, type Sheet } from "../png";
import { inRange, probesOf, samePhoto, sheetOf } from "../probes";
import { Sheets } from "../sheets";
import { channelsOf, subjectsOf } from "../subjects";
import { type Columns, columnsOf, sheetRef, valueAt } from "./columns";
import { cursor, direction } from "./cursor";
import { attempt, heads, run, seriesOf } from "./run";
import { probeOf } from "./runIndex";
import { brightest, brightestKey, image, kind, onScreen, path, probe, probeAt } from "./selection";

export interface Wish {
  kind: string;
  layer: string;
  /** Index of a probe image; null: all that the record has. */
  image: number | null;
}

export interface Shown extends Wish {
  /** Index in the probe of the image each sheet is of; none where the wished one is not there. */
  images: number[];
  /** Ordinal of the cursor that this was fetched for. */
  asked: number;
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

/** The probe images of a record that a wish means; none where this method was not shown it. */
function imagesAt(layout: Layout, wish: Wish, probeImages: number): number[] {
  if (layout.images === 0) return [0];
  if (wish.image === null) return probesOf(layout);
  const index = inRange(wish.image, probeImages);
  return sheetOf(layout, index) < 0 ? [] : [index];
}

function find(columns: Columns, wish: Wish, record: number): Found | null {
  const known = heads.peek();
  const id = valueAt(columns.layouts, record);
  const layout = id === null ? undefined : known?.layouts.get(id);
  if (known === null || layout === undefined) return null;
  const ordinal = columns.ordinals.at(record);
  const of = probeOf(known, known.positions[ordinal]?.segment ?? 1);
  const images = imagesAt(layout, wish, of?.images.length ?? 0);
  const refs = images.map((index) =>
    sheetRef(columns, record, sheetOf(layout, index), known.layouts),
  );
  if (refs.some((ref) => ref === null)) return null;
  return { refs: refs as SheetRef[], images, ordinal, layout };
}

/** References of the records that come next in the direction of travel. */
function coming(columns: Columns, wish: Wish, record: number, way: 1 | -1): SheetRef[] {
  const refs: SheetRef[] = [];
  for (let i = 1; i <= AHEAD && refs.length < AHEAD_SHEETS; i++) {
    const next = record + i * way;
    if (next < 0 || next >= columns.ordinals.length) break;
    refs.push(...(find(columns, wish, next)?.refs ?? []));
  }
  return refs;
}

/** Many in one request rather than one more at each step: once half of what comes is missing. */
function lookAhead(name: string, refs: readonly SheetRef[]): void {
  const near = refs.slice(0, Math.ceil(refs.length / 2));
  if (near.some((ref) => !sheets.has(name, ref))) void sheets.prefetch(name, refs);
}

/** Watches a wish. `ahead`: fetch the neighbors as well. */
export function watch(wish: () => Wish | null, ahead = true): ReadonlySignal<Pictures> {
  const state = signal<Pictures>({ shown: null, loading: false, error: null });
  let controller: AbortController | null = null;
  // As text and on their own, so that what is equal to before starts nothing anew.
  const text = computed(() => JSON.stringify(wish()));
  const wanted = computed(() => JSON.parse(text.value) as Wish | null);
  const where = computed(() => {
    const now = wanted.value;
    return now === null ? null : columnsOf(now.kind, now.layer);
  });
  const layouts = computed(() => heads.value?.layouts);
  const probes = computed(() => heads.value?.probes);

  effect(() => {
    controller?.abort();
    controller = null;
    void layouts.value;
    void probes.value;
    const name = run.value;
    const at = cursor.value;
    const now = wanted.value;
    const columns = where.value;
    const before = state.peek();
    if (name === null || now === null || at < 0) {
      state.value = { shown: null, loading: false, error: null };
      return;
    }
    // What is shown of another layer would be taken for this one's.
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
        shown: { ...now, images, asked: at, ordinal, layout, sheets: decoded },
        loading: false,
        error: null,
      };
      if (ahead) lookAhead(name, coming(columns, now, record, direction.peek()));
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

/** What the view shows: one sheet, or a map of each probe image. */
export const main = watch(() => {
  const [wanted, layer] = [kind.value, path.value];
  if (wanted === null || layer === null) return null;
  const { view } = familyOf(wanted);
  if (view !== "sheet" && view !== "cams") return null;
  return { kind: wanted, layer, image: view === "cams" ? null : image.value };
});

effect(() => {
  const { shown } = main.value;
  batch(() => {
    onScreen.value = shown;
    if (shown !== null && shown.image !== null) rememberBrightest(shown);
  });
});

/**
 * The channel to enlarge until somebody chooses: the one that reaches highest now. Known as soon as
 * the picture is, so that nothing is asked for of another one first.
 */
function rememberBrightest({ kind: of, layer, layout, ordinal, sheets: [sheet] }: Shown): void {
  const ranges = sheet?.ranges ?? null;
  // What has no values has no brightest tile.
  if (ranges === null) return;
  const subjects = subjectsOf(of, layout, probeAt(ordinal));
  const byChannel = channelsOf(subjects, layer) !== null;
  const key = brightestKey(of, layer, byChannel);
  // Of a diagram all channels are on one tile.
  if (brightest.peek().has(key) || layout.bars !== undefined) return;
  let [best, most] = [0, 0];
  for (let tile = 0; tile < layout.tiles; tile++) {
    const here = ranges[2 * tile + 1] ?? Number.NEGATIVE_INFINITY;
    if (here > most) [best, most] = [tile, here];
  }
  const one = subjects[best];
  const held = byChannel && one !== undefined && "channel" in one ? one.channel : best;
  brightest.value = new Map(brightest.peek()).set(key, held);
}

/** Beside it: what excites the channel most, or what it answers to the image. */
export const companion = watch(() => {
  const [wanted, layer] = [kind.value, path.value];
  const other =
    wanted === "activations" ? "maximization" : wanted === "maximization" ? "activations" : null;
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

/** A photograph of this very probe; null while it is on its way. */
export function photoOf(of: Probe | null, index: number): Sheet | null {
  const { probe: held, sheets: decoded } = photographs.value;
  return samePhoto(held, of, index) ? (decoded[index] ?? null) : null;
}

/** Whether all that the cursor asks for is on the screen; playing waits for it. */
export const settled = () => !main.value.loading;
