/** Frames of film strips: one tile of a series at some of its records, in a cache. */

import { computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { decode, type Sheet } from "../draw/png";
import { tileOf } from "../draw/tiles";
import { pickFrames } from "../model/frames";
import { samePhoto, sheetOf } from "../model/probes";
import type { Layout, Probe } from "../model/records";
import {
  inProbe,
  type TileContent,
  tileContents,
  tileOfChannel,
  tileOfContent,
} from "../model/tileContents";
import { getStrip } from "../net/api";
import { ApiError } from "../net/request";
import { type Columns, columnsOf } from "./columns";
import { main } from "./pictures";
import { attempt, generation, layoutOf, run, runIndex } from "./run";
import { probe, probeAt } from "./selection";

export interface Frame {
  ordinal: number;
  /** Levels or RGB of one tile. */
  sheet: Sheet;
}

export interface FilmState {
  frames: Frame[];
  /** Every n-th record is shown. */
  stride: number;
  tile: readonly [number, number];
}

export interface FilmRequest {
  kind: string;
  layer: string;
  /** Index in the probe. */
  image: number;
  /** The channel to follow; null: the tile with `content`, else the first tile. */
  channel: number | null;
  content?: TileContent;
}

const MAX_FRAMES = 2000;
const held = new Map<string, Sheet>();
/** Frames that the server skipped: it would skip them again. */
const absent = new Set<string>();

function cacheFrame(key: string, sheet: Sheet): void {
  held.set(key, sheet);
  for (const oldest of held.keys()) {
    if (held.size <= MAX_FRAMES) break;
    held.delete(oldest);
  }
}

interface TileLocation {
  sheet: number;
  tile: number;
}

/**
 * Locate the sheet and tile of a record that show what is requested; null if none does.
 * `requestProbe` is the probe of the request, `probe` that of the record.
 */
function locate(
  layout: Layout,
  request: FilmRequest,
  requestProbe: Probe | null,
  probe: Probe | null,
) {
  const sheet = sheetOf(layout, request.image);
  const contents = tileContents(request.kind, layout, probe);
  const content =
    request.content === undefined ? null : inProbe(request.content, requestProbe, probe);
  const tile =
    request.channel !== null
      ? tileOfChannel(contents, request.channel)
      : request.content === undefined
        ? 0
        : content === null
          ? -1
          : tileOfContent(contents, content);
  return sheet < 0 || tile < 0 ? null : { sheet, tile };
}

/**
 * List the records that show the requested channel of the requested photograph, and where: a layout
 * may put a channel elsewhere, and a new `fit` may have other probe images.
 */
export function scenes(
  columns: Columns,
  layouts: ReadonlyMap<string, Layout>,
  request: FilmRequest,
  requestProbe: Probe | null,
  probeOfOrdinal: (ordinal: number) => Probe | null,
): { record: number; location: TileLocation }[] {
  const out: { record: number; location: TileLocation }[] = [];
  let record = 0;
  for (const [id, count] of columns.layouts) {
    const layout = layouts.get(id);
    const locations = new Map<Probe | null, TileLocation | null>();
    for (const end = record + count; record < end; record++) {
      if (layout === undefined) continue;
      const other = probeOfOrdinal(columns.ordinals.at(record));
      if (!locations.has(other)) {
        const same =
          layout.images === 0 ||
          other === requestProbe ||
          samePhoto(other, requestProbe, request.image);
        locations.set(other, same ? locate(layout, request, requestProbe, other) : null);
      }
      const location = locations.get(other);
      if (location) out.push({ record, location });
    }
  }
  return out;
}

/** Group records into strips to request: one per tile of a sheet. */
function strips(records: readonly { record: number; location: TileLocation }[], columns: Columns) {
  const groups = new Map<string, { location: TileLocation; ordinals: number[] }>();
  for (const { record, location } of records) {
    const key = `${location.sheet}:${location.tile}`;
    const group = groups.get(key) ?? { location, ordinals: [] };
    group.ordinals.push(columns.ordinals.at(record));
    groups.set(key, group);
  }
  return [...groups.values()];
}

/** Watch the frames of one tile over the run, at most `room`. */
export function watchFilm(
  request: () => FilmRequest | null,
  room: number,
): ReadonlySignal<FilmState | null> {
  const film = signal<FilmState | null>(null);
  let controller: AbortController | null = null;
  // As text in signals of their own, so that an equal request starts nothing again.
  const text = computed(() => JSON.stringify(request()));
  const requested = computed(() => JSON.parse(text.value) as FilmRequest | null);
  const where = computed(() => {
    const now = requested.value;
    return now === null ? null : columnsOf(now.kind, now.layer);
  });
  const what = computed(() => {
    const now = requested.value;
    return now === null ? null : layoutOf(now.kind, now.layer);
  });
  const layouts = computed(() => runIndex.value?.layouts);
  // The big picture goes first.
  const busy = computed(() => main.value.loading);
  effect(() => {
    controller?.abort();
    const [name, now] = [run.value, requested.value];
    const [columns, layout, known] = [where.value, what.value, layouts.value];
    const shownProbe = probe.value;
    void attempt.value;
    if (
      name === null ||
      now === null ||
      columns === null ||
      layout === null ||
      known === undefined
    ) {
      film.value = null;
      return;
    }
    const all = untracked(() => scenes(columns, known, now, shownProbe, probeAt));
    const { records: picked, stride } = pickFrames(all.length, room);
    const selected = picked.flatMap((at) => all[at] ?? []);
    // Keyed by the location in the record: the index of an image depends on the probe of its fit.
    const prefix = `${name}\n${generation.value}\n${now.kind}\n${now.layer}\n`;
    const keyOf = ({ sheet, tile }: TileLocation, ordinal: number) =>
      `${prefix}${sheet}:${tile}:${ordinal}`;
    const items = selected.map(({ record, location }) => {
      const ordinal = columns.ordinals.at(record);
      return { record, location, ordinal, key: keyOf(location, ordinal) };
    });
    // A frame skipped for its tile size may be shown when the newest record has that size.
    const gone = `${layout.tile.join("x")}\n`;
    const show = () => {
      const frames = items.flatMap(({ ordinal, key }) => {
        const sheet = held.get(key);
        return sheet === undefined ? [] : [{ ordinal, sheet }];
      });
      film.value = { frames, stride, tile: layout.tile };
    };
    show();
    const missing = items.filter(({ key }) => !held.has(key) && !absent.has(gone + key));
    if (missing.length === 0 || busy.value) return;
    const mine = new AbortController();
    controller = mine;
    const fetches = strips(missing, columns).map(async ({ location, ordinals }) => {
      const got = await frames(name, now, location, ordinals, mine.signal);
      if (absent.size > MAX_FRAMES) absent.clear();
      for (const ordinal of ordinals) {
        const sheet = got.get(ordinal);
        const key = keyOf(location, ordinal);
        if (sheet === undefined) absent.add(gone + key);
        else cacheFrame(key, sheet);
      }
    });
    void Promise.allSettled(fetches).then(() => {
      if (!mine.signal.aborted) show();
    });
  });
  return film;
}

/** Return the frames of a strip by their ordinals; none if the server has nothing there. */
async function frames(
  name: string,
  request: FilmRequest,
  { sheet, tile }: TileLocation,
  ordinals: readonly number[],
  stop: AbortSignal,
): Promise<Map<number, Sheet>> {
  try {
    const strip = await getStrip(name, request, sheet, [tile], ordinals, stop);
    if (strip.positions.length === 0) return new Map();
    const decoded = await decode(strip.png);
    return new Map(
      strip.positions.map((ordinal, column) => [
        ordinal,
        cut(decoded, strip.positions.length, column),
      ]),
    );
  } catch (error) {
    if (error instanceof ApiError && (error.status === 404 || error.status === 410)) {
      return new Map();
    }
    throw error;
  }
}

/** One frame of a strip of one row, as a sheet of its own. */
function cut(strip: Sheet, count: number, column: number): Sheet {
  const size = [strip.height, strip.width / count] as const;
  return {
    width: size[1],
    height: size[0],
    channels: strip.channels,
    pixels: tileOf(strip, size, count, column),
    ranges: strip.ranges?.slice(2 * column, 2 * column + 2) ?? null,
    text: null,
  };
}
