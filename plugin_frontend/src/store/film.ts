/** Frames of film strips: one tile of a series at some of its records, kept while they fit. */

import { computed, effect, type ReadonlySignal, signal } from "@preact/signals";
import { getStrip } from "../api";
import { picks, spans } from "../frames";
import { decode, type Sheet } from "../png";
import { tileOf } from "../tiles";
import { columnsOf } from "./columns";
import { main } from "./pictures";
import { attempt, generation, layoutOf, run } from "./run";

export interface Frame {
  ordinal: number;
  /** Levels or RGB of one tile. */
  sheet: Sheet;
}

export interface Film {
  frames: Frame[];
  /** Every how manyth record is shown. */
  stride: number;
  tile: readonly [number, number];
}

export interface FilmWish {
  kind: string;
  layer: string;
  image: number;
  tile: number;
}

const LONGEST = 64;
const KEPT = 2000;
const held = new Map<string, Sheet>();

function keep(key: string, sheet: Sheet): void {
  held.set(key, sheet);
  for (const oldest of held.keys()) {
    if (held.size <= KEPT) break;
    held.delete(oldest);
  }
}

/** The frames of one tile over the run, at most `room`. */
export function watchFilm(wish: () => FilmWish | null, room: number): ReadonlySignal<Film | null> {
  const film = signal<Film | null>(null);
  let controller: AbortController | null = null;
  // As text and on their own, so that what is equal to before starts nothing anew.
  const text = computed(() => JSON.stringify(wish()));
  const wanted = computed(() => JSON.parse(text.value) as FilmWish | null);
  const where = computed(() => {
    const now = wanted.value;
    return now === null ? null : columnsOf(now.kind, now.layer);
  });
  const what = computed(() => {
    const now = wanted.value;
    return now === null ? null : layoutOf(now.kind, now.layer);
  });
  // The big picture goes first.
  const busy = computed(() => main.value.loading);
  effect(() => {
    controller?.abort();
    const [name, now] = [run.value, wanted.value];
    const [columns, layout] = [where.value, what.value];
    void attempt.value;
    if (name === null || now === null || columns === null || layout === null || now.tile < 0) {
      film.value = null;
      return;
    }
    const { records, stride } = picks(columns.ordinals.length, room);
    const ordinals = records.map((record) => columns.ordinals.at(record));
    const prefix = `${name}\n${generation.value}\n${now.kind}\n${now.layer}\n${now.image}\n${now.tile}\n`;
    const show = () => {
      const frames = ordinals.flatMap((ordinal) => {
        const sheet = held.get(prefix + ordinal);
        return sheet === undefined ? [] : [{ ordinal, sheet }];
      });
      film.value = { frames, stride, tile: layout.tile };
    };
    show();
    const missing = records.filter((_, i) => !held.has(`${prefix}${ordinals[i]}`));
    if (missing.length === 0 || busy.value) return;
    const mine = new AbortController();
    controller = mine;
    const fetches = spans(missing, LONGEST).map(async ([first, last]) => {
      const range = [columns.ordinals.at(first), columns.ordinals.at(last)] as const;
      const strip = await getStrip(name, now, now.image, [now.tile], range, mine.signal);
      if (strip.positions.length === 0) return;
      const sheet = await decode(strip.png);
      strip.positions.forEach((ordinal, column) => {
        keep(prefix + ordinal, cut(sheet, strip.positions.length, column));
      });
    });
    void Promise.allSettled(fetches).then(() => {
      if (!mine.signal.aborted) show();
    });
  });
  return film;
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
