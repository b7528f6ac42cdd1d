import { signal } from "@preact/signals";
import { beforeEach, describe, expect, it, vi } from "vitest";
import type { SeriesAnswer } from "../../src/model/answers";
import type { Layout, Probe, Series } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { connectCursor, moveTo } from "../../src/state/cursor";
import { image } from "../../src/state/image";
import { channel, layer } from "../../src/state/layer";
import { connectPictures, main } from "../../src/state/pictures";
import { generation, run, runIndex } from "../../src/state/run";
import {
  className,
  connectSelection,
  layout,
  onScreen,
  probe,
  requestedKind,
  selectLayer,
  shownChannel,
  tile,
} from "../../src/state/selection";
import { NO_PICTURES, watch } from "../../src/state/watch";
import { golden } from "../golden";

connectCursor();
connectSelection();
connectPictures();

const layoutOf = (id: string, channels: number[], probes: number[]): Layout => ({
  picture: id,
  layer: "conv",
  media: "gray8",
  tile: [1, 1],
  tiles: channels.length,
  columns: channels.length,
  images: probes.length,
  channels,
  probes,
});

const series: Series = {
  kind: "activations",
  layer: "conv",
  layout: "new",
  media: "gray8",
  images: 1,
  count: 2,
  bytes: 1,
  range: [0, 1],
  percentiles: [0, 1],
  positions: [
    [0, 1],
    [3, 1],
  ],
};

const probeOf = (segment: number): Probe => ({
  segment,
  writer: `w${segment}`,
  size: [1, 1],
  range: [0, 1],
  images: Array.from({ length: 4 }, () => ({ name: `fit ${segment}`, label: null, class: null })),
  class_names: null,
  sheets: [],
});

// The record at position 0 has sheets of the images 2 and 3, that at 3 of image 1 only.
const columns: SeriesAnswer = {
  since: 0,
  images: 1,
  positions: series.positions,
  writers: [
    ["w1", 1],
    ["w2", 1],
  ],
  layouts: [
    ["old", 1],
    ["new", 1],
  ],
  offset: [10, 20, 30],
  length: [1, 1, 1],
  crc: [1, 1, 1],
};

const png = Uint8Array.from(Buffer.from(golden.sheets[0]?.png ?? "", "base64"));
const requested: string[] = [];

vi.stubGlobal("fetch", async (address: string) => {
  const [route, query] = address.split("?");
  if (route === "./series") return new Response(JSON.stringify(columns));
  if (route === "./sheet") {
    requested.push(new URLSearchParams(query).get("offset") ?? "");
    return new Response(png);
  }
  return new Response("{}", { status: 404 });
});

beforeEach(() => {
  requested.length = 0;
  image.value = 0;
  channel.value = null;
  run.value = null;
  runIndex.value = null;
  generation.value += 1;
  runIndex.value = merge(null, {
    cursor: "a",
    now: 1,
    // The third and fourth position are of the second fit; the record shown at the third is not.
    positions: [
      [1, 0, 2],
      [2, 0, 2],
    ],
    series: [series],
    layouts: { old: layoutOf("old", [4, 6], [2, 3]), new: layoutOf("new", [6, 8], [1]) },
    probes: [probeOf(1), probeOf(2)],
  });
  requestedKind.value = "activations";
  selectLayer("conv");
  layer.value = "conv";
});

const shownAt = async (ordinal: number, index: number) => {
  image.value = index;
  moveTo(ordinal);
  await vi.waitFor(() => {
    const { shown, loading } = main.value;
    if (loading || shown === null || shown.requested !== ordinal || shown.image !== index) {
      throw new Error("not here yet");
    }
  });
  return main.value.shown;
};

describe("the name of a class", () => {
  it("is that of the image's own model if the models that share a run differ", () => {
    const one = { name: "image 0", label: null, class: null };
    const images = [one, { ...one, class_names: ["real", "fake"] }];
    const shared: Probe = { ...probeOf(1), images };
    expect([className(shared, 1, 0), className(shared, 1, 1)]).toEqual(["class 1", "fake"]);
    const named = { ...shared, class_names: ["cat", "dog"] };
    expect([className(named, 1, 0), className(named, 2, 0)]).toEqual(["dog", "class 2"]);
    expect(className(null, 3, 0)).toBe("class 3");
  });
});

describe("the record on the screen", () => {
  it("decides on the probe, not the segment of the cursor", () => {
    moveTo(2);
    expect(onScreen.value).toBeNull();
    expect(probe.value?.segment).toBe(1);
    moveTo(3);
    expect(probe.value?.segment).toBe(2);
  });

  it("shows the sheet of the probe image, or reports that it has none", async () => {
    run.value = "r";
    expect((await shownAt(2, 3))?.images).toEqual([3]);
    expect(requested).toContain("20");
    const none = await shownAt(2, 1);
    expect([none?.images, none?.sheets, none?.layout.picture]).toEqual([[], [], "old"]);
    expect((await shownAt(3, 1))?.layout.picture).toBe("new");
    expect(requested.at(-1)).toBe("30");
  });

  it("decides on layout, channel and tile", async () => {
    run.value = "r";
    channel.value = 6;
    await shownAt(1, 2);
    expect([layout.value?.picture, shownChannel.value, tile.value]).toEqual(["old", 6, 1]);
    await shownAt(3, 1);
    expect([layout.value?.picture, shownChannel.value, tile.value]).toEqual(["new", 6, 0]);
    expect(probe.value?.segment).toBe(2);
  });

  it("has all its images if none is requested", async () => {
    run.value = "r";
    moveTo(0);
    const all = signal(NO_PICTURES);
    watch(all, () => ({ kind: "activations", layer: "conv", image: null }), false);
    await vi.waitFor(() => expect(all.value.shown?.images).toEqual([2, 3]));
    moveTo(3);
    await vi.waitFor(() => expect(all.value.shown?.images).toEqual([1]));
  });
});
