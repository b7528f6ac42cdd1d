/** Frames of film strips: one tile of a series at some of its records, in a cache. */

import { computed, effect, type Signal, untracked } from "@preact/signals";
import { decode, type Sheet } from "../draw/png";
import { tileOf } from "../draw/tiles";
import type { Stop } from "../host/stops";
import { pickFrames } from "../model/frames";
import { type FilmRequest, scenes, strips, type TileLocation } from "../model/scenes";
import { getStrip } from "../net/api";
import { ApiError } from "../net/request";
import { columnsOf } from "./columns";
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

/** Keep `film` at the frames of one tile over the run, at most `room`. */
export function watchFilm(
  film: Signal<FilmState | null>,
  request: () => FilmRequest | null,
  room: number,
): Stop {
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
  const stop = effect(() => {
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
  return () => {
    stop();
    controller?.abort();
  };
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
