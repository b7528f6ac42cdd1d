import { describe, expect, it } from "vitest";
import type { Probe } from "../../src/model/records";
import {
  channelsOf,
  inProbe,
  type TileContent,
  tileContents,
  tileOfChannel,
  tileOfContent,
} from "../../src/model/tileContents";

const probe = (...names: string[]): Probe => ({
  segment: 1,
  writer: "w",
  size: [1, 1],
  range: [0, 1],
  images: names.map((name) => ({ name, label: null, class: name.split(" ")[0] ?? null })),
  class_names: null,
  sheets: names.map((name, i) => [i, 9, name.length]),
});
const pets = probe("cat", "dog", "cat 2");
const owner = { layer: "conv" };
const row = (tiles: number) => ({ ...owner, tiles, columns: tiles });
const images = (contents: TileContent[]) => contents.map((one) => one.is === "image" && one.image);

describe("what a tile shows", () => {
  it("a channel in maps and maximizations, by number", () => {
    const chosen = { ...row(2), channels: [4, 9], total: 64 };
    for (const kind of ["activations", "maximization"]) {
      expect(tileContents(kind, chosen, pets)).toEqual([
        { is: "channel", layer: "conv", channel: 4 },
        { is: "channel", layer: "conv", channel: 9 },
      ]);
    }
    expect(channelsOf(tileContents("activations", row(3), pets), "conv")).toEqual([0, 1, 2]);
  });

  it("an image in color pictures of a layer, and never a channel", () => {
    const contents = tileContents("activations:colors", row(3), pets);
    expect(images(contents)).toEqual([0, 1, 2]);
    expect(channelsOf(contents, "conv")).toBeNull();
  });

  it("the image of its caption, where a callback had them in another order or had fewer", () => {
    const titles = (...all: string[]) =>
      images(tileContents("activations:colors", { ...row(all.length), titles: all }, pets));
    expect(titles("cat 2", "cat", "dog")).toEqual([2, 0, 1]);
    expect(titles("dog")).toEqual([1]);
    expect(titles("bird")).toEqual([null]);
    // Without captions two of three may be any two.
    expect(images(tileContents("activations:colors", row(2), pets))).toEqual([null, null]);
  });

  it("an image and a list of layers, an image and a draw", () => {
    const grid = { ...owner, tiles: 6, columns: 3, row_titles: ["a", "b"] };
    const hyper = { ...grid, column_titles: ["dog", "cat", "cat 2"] };
    expect(tileContents("hypercolumns:colors", hyper, pets)[3]).toEqual({
      is: "image",
      image: 1,
      tileIndex: 1,
    });
    const draws = { ...owner, tiles: 4, columns: 2, column_titles: ["image", "draw 1"] };
    const rows = { ...draws, row_titles: ["cat 2", "dog"] };
    expect(tileContents("augmentation", rows, pets)).toEqual([
      { is: "image", image: 2, tileIndex: 0 },
      { is: "image", image: 2, tileIndex: 1 },
      { is: "image", image: 1, tileIndex: 0 },
      { is: "image", image: 1, tileIndex: 1 },
    ]);
  });

  it("a channel of its column's layer in the overview", () => {
    const layout = { layer: "", tiles: 4, columns: 2, column_layers: ["a/conv", "pool"] };
    const contents = tileContents("overview", { ...layout, column_titles: ["conv", "pool"] }, pets);
    expect(contents[3]).toEqual({ is: "channel", layer: "pool", channel: 1 });
    expect(channelsOf(contents, "")).toBeNull();
    // Of titles alone it is not known which layers they are.
    const old = { layer: "", tiles: 2, columns: 2, column_titles: ["conv", "pool"] };
    expect(tileContents("overview", old, pets)[1]).toEqual({ is: "tile", tile: 1 });
  });

  it("a filter, or the matrix of all", () => {
    expect(tileContents("kernels:colors", { ...row(2), channels: [1, 5] }, null)[1]).toEqual({
      is: "filter",
      layer: "conv",
      channel: 5,
    });
    const matrix = tileContents("kernels:pointwise", { ...row(1), total: 8 }, null);
    expect(matrix).toEqual([{ is: "matrix" }]);
    expect(channelsOf(matrix, "conv")).toBeNull();
    expect(
      channelsOf(tileContents("kernels", { ...row(1), channels: [0], total: 1 }, null), "conv"),
    ).toEqual([0]);
  });

  it("a diagram of channels, a role, a class, a list of layers, or nothing that is known", () => {
    const bars = tileContents("activations", { ...row(1), bars: [3, 8], titles: ["two"] }, pets);
    expect(bars).toEqual([{ is: "bars", layer: "conv", channels: [3, 8] }]);
    expect([channelsOf(bars, "conv"), tileOfChannel(bars, 8), tileOfChannel(bars, 0)]).toEqual([
      [3, 8],
      0,
      -1,
    ]);
    const roles = tileContents(
      "saliency:gradients",
      { ...row(2), roles: ["true", "class 2"] },
      pets,
    );
    expect(roles[1]).toEqual({ is: "role", role: "class 2" });
    for (const kind of ["classes", "hypercolumns"]) {
      const named = tileContents(kind, { ...row(2), titles: ["cat", "dog"] }, pets);
      expect(named[1]).toEqual({ is: "named", name: "dog" });
    }
    expect(tileContents("spectra:log", row(2), pets)[1]).toEqual({ is: "tile", tile: 1 });
    // Several of each channel, a row each: an index is no channel.
    const rows = {
      ...owner,
      tiles: 4,
      columns: 2,
      row_titles: ["channel 7", "channel 9"],
      total: 64,
    };
    expect(channelsOf(tileContents("maximization", rows, pets), "conv")).toBeNull();
  });
});

describe("the same in another sheet", () => {
  it("is found by its content, not by its index", () => {
    const roles = (...all: string[]) => tileContents("cam", { ...row(2), roles: all }, pets);
    const [predicted] = roles("predicted", "true");
    expect(tileOfContent(roles("true", "predicted"), predicted as TileContent)).toBe(1);
    expect(tileOfContent(roles("true", "given"), predicted as TileContent)).toBe(-1);
  });

  it("an image of another fit by its photograph", () => {
    const [one, other] = [probe("a", "bb"), probe("bb", "a", "ccc")];
    const requested: TileContent = { is: "image", image: 0, tileIndex: 2 };
    expect(inProbe(requested, one, other)).toEqual({ is: "image", image: 1, tileIndex: 2 });
    expect(inProbe({ ...requested, image: 2 }, other, one)).toBeNull();
  });
});
