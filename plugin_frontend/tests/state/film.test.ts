import { signal } from "@preact/signals";
import { describe, expect, it, vi } from "vitest";
import type { SeriesAnswer } from "../../src/model/answers";
import type { Layout } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { type FilmState, watchFilm } from "../../src/state/film";
import { attempt, run, runIndex } from "../../src/state/run";
import { golden } from "../golden";

const layoutOf = (channels: number[]): Layout => ({
  picture: "activations",
  layer: "conv",
  media: "gray8",
  tile: [1, 1],
  tiles: channels.length,
  columns: channels.length,
  images: 0,
  channels,
});

const columns: SeriesAnswer = {
  since: 0,
  images: 0,
  positions: [
    [0, 2],
    [600, 1],
  ],
  writers: [["w", 3]],
  layouts: [
    ["a", 1],
    ["b", 2],
  ],
  offset: [1, 2, 3],
  length: [1, 1, 1],
  crc: [1, 1, 1],
};

const png = Uint8Array.from(Buffer.from(golden.sheets[0]?.png ?? "", "base64"));
const requested: string[] = [];

vi.stubGlobal("fetch", async (address: string) => {
  const [route, query] = address.split("?");
  const read = new URLSearchParams(query);
  if (route === "./series") return new Response(JSON.stringify(columns));
  if (route !== "./strip") return new Response("{}", { status: 404 });
  const ordinals = read.get("positions") ?? "";
  requested.push(`${read.get("tiles")} at ${ordinals}`);
  // Position 1 is damaged.
  const [last = ""] = ordinals.split(",").slice(-1);
  return new Response(png, { headers: { "X-Tbviz-Positions": last } });
});

describe("a film", () => {
  it("requests from each record the tile of its channel, and only once for what is absent", async () => {
    run.value = "r";
    runIndex.value = merge(null, {
      cursor: "a",
      now: 1,
      positions: [[1, 0, 601]],
      series: [
        {
          kind: "activations",
          layer: "conv",
          layout: "b",
          media: "gray8",
          images: 0,
          count: 3,
          bytes: 1,
          range: [0, 1],
          percentiles: [0, 1],
          positions: columns.positions,
        },
      ],
      layouts: { a: layoutOf([5, 7]), b: layoutOf([7, 9]) },
    });
    const film = signal<FilmState | null>(null);
    watchFilm(film, () => ({ kind: "activations", layer: "conv", image: 0, channel: 7 }), 12);
    const shown = () => film.value?.frames.map((frame) => frame.ordinal);
    await vi.waitFor(() => expect(shown()).toEqual([0, 600]));
    expect(requested.sort()).toEqual(["0 at 1,600", "1 at 0"]);
    attempt.value += 1;
    await new Promise((done) => setTimeout(done, 20));
    expect(requested).toHaveLength(2);
    expect(shown()).toEqual([0, 600]);
  });
});
