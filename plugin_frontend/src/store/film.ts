/** Frames of film strips: one tile of a series at some of its records, kept while they fit. */

import { computed, effect, type ReadonlySignal, signal, untracked } from "@preact/signals";
import { ApiError, getStrip, type Layout, type Probe } from "../api";
import { picks } from "../frames";
import { decode, type Sheet } from "../png";
import { samePhoto, sheetOf } from "../probes";
import { inProbe, type Subject, subjectsOf, tileOfChannel, tileOfSubject } from "../subjects";
import { tileOf } from "../tiles";
import { type Columns, columnsOf } from "./columns";
import { main } from "./pictures";
import { attempt, generation, heads, layoutOf, run } from "./run";
import { probe, probeAt } from "./selection";

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
  /** Index in the probe. */
  image: number;
  /** The channel to follow; null: what `subject` says, else the first tile. */
  channel: number | null;
  subject?: Subject;
}

const KEPT = 2000;
const held = new Map<string, Sheet>();
/** Frames that the server left out: asked again, it would leave them out again. */
const absent = new Set<string>();

function keep(key: string, sheet: Sheet): void {
  held.set(key, sheet);
  for (const oldest of held.keys()) {
    if (held.size <= KEPT) break;
    held.delete(oldest);
  }
}

interface Place {
  sheet: number;
  tile: number;
}

/**
 * The sheet and tile of a record that show what is wished for; null where none does. `of`: the
 * probe that the wish is about, `probe`: that of the record.
 */
function placeOf(layout: Layout, wish: FilmWish, of: Probe | null, probe: Probe | null) {
  const sheet = sheetOf(layout, wish.image);
  const subjects = subjectsOf(wish.kind, layout, probe);
  const wanted = wish.subject === undefined ? null : inProbe(wish.subject, of, probe);
  const tile =
    wish.channel !== null
      ? tileOfChannel(subjects, wish.channel)
      : wish.subject === undefined
        ? 0
        : wanted === null
          ? -1
          : tileOfSubject(subjects, wanted);
  return sheet < 0 || tile < 0 ? null : { sheet, tile };
}

/**
 * Records that show the wished channel of the wished photograph, with the place they show it at:
 * a layout may put a channel elsewhere, and a new `fit` may have other probe images.
 */
export function scenes(
  columns: Columns,
  layouts: ReadonlyMap<string, Layout>,
  wish: FilmWish,
  of: Probe | null,
  probeOfOrdinal: (ordinal: number) => Probe | null,
): { record: number; place: Place }[] {
  const out: { record: number; place: Place }[] = [];
  let record = 0;
  for (const [id, count] of columns.layouts) {
    const layout = layouts.get(id);
    const places = new Map<Probe | null, Place | null>();
    for (const end = record + count; record < end; record++) {
      if (layout === undefined) continue;
      const other = probeOfOrdinal(columns.ordinals.at(record));
      if (!places.has(other)) {
        const same = layout.images === 0 || other === of || samePhoto(other, of, wish.image);
        places.set(other, same ? placeOf(layout, wish, of, other) : null);
      }
      const place = places.get(other);
      if (place) out.push({ record, place });
    }
  }
  return out;
}

/** What to ask for, a strip each: all that show the same tile of the same sheet. */
function strips(wanted: readonly { record: number; place: Place }[], columns: Columns) {
  const groups = new Map<string, { place: Place; ordinals: number[] }>();
  for (const { record, place } of wanted) {
    const key = `${place.sheet}:${place.tile}`;
    const group = groups.get(key) ?? { place, ordinals: [] };
    group.ordinals.push(columns.ordinals.at(record));
    groups.set(key, group);
  }
  return [...groups.values()];
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
  const layouts = computed(() => heads.value?.layouts);
  // The big picture goes first.
  const busy = computed(() => main.value.loading);
  effect(() => {
    controller?.abort();
    const [name, now] = [run.value, wanted.value];
    const [columns, layout, known] = [where.value, what.value, layouts.value];
    const of = probe.value;
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
    const all = untracked(() => scenes(columns, known, now, of, probeAt));
    const { records: picked, stride } = picks(all.length, room);
    const chosen = picked.flatMap((at) => all[at] ?? []);
    // By the place in the record: what an image is called by depends on the probe of its fit.
    const prefix = `${name}\n${generation.value}\n${now.kind}\n${now.layer}\n`;
    const keyOf = ({ sheet, tile }: Place, ordinal: number) =>
      `${prefix}${sheet}:${tile}:${ordinal}`;
    const items = chosen.map(({ record, place }) => {
      const ordinal = columns.ordinals.at(record);
      return { record, place, ordinal, key: keyOf(place, ordinal) };
    });
    // What is left out for its tile size may be shown when the newest has that size.
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
    const fetches = strips(missing, columns).map(async ({ place, ordinals: asked }) => {
      const got = await frames(name, now, place, asked, mine.signal);
      if (absent.size > KEPT) absent.clear();
      for (const ordinal of asked) {
        const sheet = got.get(ordinal);
        const key = keyOf(place, ordinal);
        if (sheet === undefined) absent.add(gone + key);
        else keep(key, sheet);
      }
    });
    void Promise.allSettled(fetches).then(() => {
      if (!mine.signal.aborted) show();
    });
  });
  return film;
}

/** The frames of a strip by their ordinals; none where the server has nothing there. */
async function frames(
  name: string,
  wish: FilmWish,
  { sheet, tile }: Place,
  asked: readonly number[],
  stop: AbortSignal,
): Promise<Map<number, Sheet>> {
  try {
    const strip = await getStrip(name, wish, sheet, [tile], asked, stop);
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
