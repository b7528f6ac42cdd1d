// @vitest-environment happy-dom
import { batch } from "@preact/signals";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { IndexAnswer } from "../../src/model/answers";
import type { Layout, Probe, Series } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { connectAddress } from "../../src/state/address";
import { connectColorScale } from "../../src/state/colorScale";
import {
  chosenPosition,
  connectCursor,
  cursor,
  follow,
  moveTo,
  setFollow,
} from "../../src/state/cursor";
import { connectHealth } from "../../src/state/health";
import { image } from "../../src/state/image";
import { connectKinds, openFamily, openKind } from "../../src/state/kinds";
import { channel, layer } from "../../src/state/layer";
import { WHOLE } from "../../src/state/logged";
import { notes } from "../../src/state/notes";
import { switchRun } from "../../src/state/poll";
import { generation, open, positions, runIndex } from "../../src/state/run";
import {
  channels,
  connectSelection,
  kind,
  moveChannel,
  pick,
  requestedKind,
  resetSelection,
  selectLayer,
  shownChannel,
  shownImage,
  tile,
} from "../../src/state/selection";
import { tablesRequested } from "../../src/state/tables";
import { present } from "../../src/state/view";

connectCursor();
connectSelection();
connectHealth();
connectColorScale();
connectKinds();

const layout = (kind: string, path: string, rest: Partial<Layout> = {}): Layout => ({
  picture: kind,
  layer: path,
  media: "gray8",
  tile: [1, 1],
  tiles: 3,
  columns: 3,
  images: kind === "activations" ? 3 : 0,
  ...rest,
});
const channelled = (...all: number[]) => ({ tiles: all.length, channels: all, total: 64 });

/** Kind and layer of what a run has, with what its tiles are. */
const DRAWN: [string, string, Partial<Layout>][] = [
  ["activations", "a", channelled(0, 5, 34)],
  ["activations", "b", channelled(0, 1, 2)],
  ["activations:colors", "a", {}],
  ["maximization", "a", channelled(0, 1)],
  ["kernels", "a", channelled(0, 5, 34)],
  ["kernels:colors", "a", channelled(0, 5, 34)],
  ["kernels", "b", channelled(0, 1)],
  ["cam", "b", { tiles: 1, roles: ["predicted"], images: 3 }],
  ["classes", WHOLE, { titles: ["cat", "dog", "cow"] }],
];
const probe = (count: number): Probe => ({
  segment: 1,
  writer: "w",
  size: [1, 1],
  range: [0, 1],
  images: Array.from({ length: count }, (_, i) => ({ name: `p${i}`, label: null, class: null })),
  class_names: null,
  sheets: [],
});

function answer(
  spans: IndexAnswer["positions"] = [[1, 0, 8]],
  without: readonly string[] = [],
  photos = 3,
): void {
  const there = DRAWN.filter(([, path]) => !without.includes(path));
  const id = (kind: string, path: string) => `${kind} ${path}`;
  runIndex.value = merge(null, {
    cursor: `${Math.random()}`,
    now: 1,
    positions: spans ?? [],
    series: there.map(
      ([kind, path]): Series => ({
        kind,
        layer: path,
        layout: id(kind, path),
        media: "gray8",
        images: 0,
        count: 8,
        bytes: 1,
        range: null,
        percentiles: null,
        positions: [[0, 8]],
      }),
    ),
    layouts: Object.fromEntries(
      there.map(([kind, path, rest]) => [id(kind, path), layout(kind, path, rest)]),
    ),
    probes: [probe(photos)],
  });
  tablesRequested.value = true;
}

beforeAll(() => {
  globalThis.fetch = () => Promise.reject(new Error("there is no server here"));
  connectAddress();
});
beforeEach(() => {
  window.location.hash = `#tbviz&p.tbviz.run=r${Math.random()}`;
  window.dispatchEvent(new Event("hashchange"));
  runIndex.value = null;
  generation.value += 1;
  notes.value = [];
  resetSelection();
  image.value = 0;
  answer();
  selectLayer("a");
  requestedKind.value = "activations";
});

describe("what was chosen survives a detour", () => {
  it("the channel: through a kind that lacks it, and one that has it", () => {
    channel.value = 5;
    openFamily("maximization");
    expect([channels.value, shownChannel.value, tile.value]).toEqual([[0, 1], 5, -1]);
    expect(present().channel).toBe("5");
    openFamily("kernels");
    expect([shownChannel.value, tile.value]).toEqual([5, 1]);
    openKind("activations:colors");
    expect(shownChannel.value).toBeNull();
    openFamily("activations");
    openKind("activations");
    expect([shownChannel.value, tile.value, present().channel]).toEqual([5, 1, "5"]);
  });

  it("the channel of each layer, also through the whole model", () => {
    channel.value = 34;
    selectLayer("b");
    expect([channel.value, shownChannel.value]).toEqual([null, 0]);
    channel.value = 2;
    selectLayer(WHOLE);
    selectLayer("a");
    expect(shownChannel.value).toBe(34);
    selectLayer("b");
    expect(shownChannel.value).toBe(2);
  });

  it("the layer, while another replaced it", () => {
    openFamily("cam");
    expect(layer.value).toBe("b");
    openFamily("maximization");
    expect(layer.value).toBe("a");
    openFamily("cam");
    openFamily("classes");
    openFamily("activations");
    expect(layer.value).toBe("a");
    openFamily("cam");
    selectLayer("b");
    openFamily("activations");
    expect(layer.value).toBe("b");
  });

  it("the variant, also where a layer on the way lacks it", () => {
    openKind("kernels:colors");
    selectLayer("b");
    expect(kind.value).toBe("kernels");
    openFamily("activations");
    openFamily("kernels");
    expect([kind.value, layer.value]).toEqual(["kernels", "b"]);
    openFamily("activations");
    selectLayer("a");
    openFamily("kernels");
    expect(kind.value).toBe("kernels:colors");
  });

  it("the kind, through a layer that lacks it and the whole model", () => {
    openFamily("cam");
    selectLayer("a");
    expect(kind.value).toBe("activations");
    selectLayer(WHOLE);
    selectLayer("b");
    expect(kind.value).toBe("cam");
  });

  it("a tile that is no channel, which leaves the channel alone, and is in the address", () => {
    channel.value = 5;
    openFamily("classes");
    pick(2);
    expect([tile.value, present().tile, channel.value]).toEqual([2, "2", 5]);
    openFamily("activations");
    expect([shownChannel.value, present().tile]).toEqual([5, ""]);
    openFamily("classes");
    expect(tile.value).toBe(2);
    moveChannel(1);
    expect([tile.value, channel.value]).toEqual([0, 5]);
  });

  it("a tile of an image chooses the image", () => {
    openKind("activations:colors");
    pick(2);
    expect([image.value, tile.value, present().image, present().channel]).toEqual([2, 2, "2", ""]);
    moveChannel(-1);
    expect([image.value, tile.value]).toEqual([1, 1]);
  });

  it("and steps go on from where a channel that is not drawn would be", () => {
    channel.value = 20;
    moveChannel(1);
    expect(channel.value).toBe(34);
    channel.value = 20;
    moveChannel(-1);
    expect(channel.value).toBe(5);
    channel.value = 99;
    moveChannel(1);
    expect(channel.value).toBe(0);
  });
});

describe("another run, and back", () => {
  const to = (...args: Parameters<typeof answer>) => {
    switchRun(`r${Math.random()}`);
    expect(positions.value).toEqual([]);
    answer(...args);
  };

  it("keeps the epoch, and does not follow unless it did before", () => {
    moveTo(3);
    to([[1, 0, 8]]);
    expect([cursor.value, follow.value, notes.value]).toEqual([3, false, []]);
    // The same epoch is elsewhere among the positions.
    to([
      [1, 1, 2],
      [1, 3, 1, 40],
      [1, 3, 5],
    ]);
    expect([positions.value[cursor.value]?.epoch, cursor.value]).toEqual([3, 3]);
    expect(present().step).toBe("3");
  });

  it("shows the last before it if it is missing, with a note, and comes back to it", () => {
    moveTo(6);
    to([
      [1, 0, 3],
      [1, 4, 1],
    ]);
    expect([cursor.value, follow.value, present().step]).toEqual([3, false, "4"]);
    expect(notes.value.map((one) => one.text)).toEqual([
      "There is no epoch 6 in this run; showing epoch 4.",
    ]);
    to([[1, 0, 8]]);
    expect([cursor.value, follow.value]).toEqual([6, false]);
  });

  it("shows the first if all are later", () => {
    moveTo(1);
    to([[1, 5, 2]]);
    expect([cursor.value, follow.value]).toEqual([0, false]);
  });

  it("keeps following", () => {
    setFollow(true);
    to([[1, 0, 2]]);
    expect([cursor.value, follow.value]).toEqual([1, true]);
  });

  it("keeps the epoch in the address while the run is loading", () => {
    moveTo(3);
    switchRun("coming");
    expect([present().step, present().run]).toEqual(["3", "coming"]);
    open(null);
    expect([present().step, present().run]).toEqual(["3", "coming"]);
  });

  it("the epoch is found again in a replaced log", () => {
    moveTo(3);
    batch(() => {
      generation.value += 1;
      answer([[1, 2, 6]]);
    });
    expect([cursor.value, positions.value[cursor.value]?.epoch]).toEqual([1, 3]);
    expect(chosenPosition.value?.epoch).toBe(3);
  });

  it("brings back layer, kind, channel and image that a run on the way lacks", () => {
    openFamily("maximization");
    [channel.value, image.value] = [1, 2];
    to([[1, 0, 8]], ["a"], 1);
    expect([layer.value, shownImage.value, present().image]).toEqual(["b", 0, ""]);
    to([[1, 0, 8]]);
    expect([layer.value, kind.value, shownChannel.value]).toEqual(["a", "maximization", 1]);
    expect([shownImage.value, present().image]).toEqual([2, "2"]);
  });
});
