/**
 * The pictures at the cursor: (a request for a kind, a layer and images) => their decoded sheets.
 * The newest request wins, and the old picture stays until all sheets of the new one are loaded.
 */

import { batch, computed, effect, type Signal } from "@preact/signals";
import { decode, type Sheet } from "../draw/png";
import type { Stop } from "../host/stops";
import type { SheetRef } from "../model/answers";
import { type Columns, sheetRef, valueAt } from "../model/columns";
import { inRange, probesOf, sheetOf } from "../model/probes";
import type { Layout } from "../model/records";
import { probeOf } from "../model/runIndex";
import { getSheet, getSheets } from "../net/api";
import { Sheets } from "../net/sheets";
import { columnsOf } from "./columns";
import { cursor, direction } from "./cursor";
import { attempt, run, runIndex } from "./run";

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

export const NO_PICTURES: Pictures = { shown: null, loading: false, error: null };

/** Keep `state` at the pictures of a request. `ahead`: fetch the neighbors as well. */
export function watch(
  state: Signal<Pictures>,
  request: () => PictureRequest | null,
  ahead = true,
): Stop {
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

  const stop = effect(() => {
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
      state.value = NO_PICTURES;
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
  return () => {
    stop();
    controller?.abort();
  };
}

async function loadAll(name: string, refs: SheetRef[], signal: AbortSignal): Promise<Sheet[]> {
  // One request for several: TensorBoard's server closes every connection.
  const missing = refs.filter((ref) => sheets.peek(name, ref) === undefined);
  if (missing.length > 1) await sheets.prefetch(name, missing);
  signal.throwIfAborted();
  return Promise.all(refs.map((ref) => sheets.load(name, ref, signal)));
}
