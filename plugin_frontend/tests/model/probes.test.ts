import { describe, expect, it } from "vitest";
import { type Columns, sheetRef } from "../../src/model/columns";
import { Ordinals } from "../../src/model/positions";
import { probesOf, samePhoto, sheetOf } from "../../src/model/probes";
import type { Layout, Probe } from "../../src/model/records";
import { scenes } from "../../src/model/scenes";

const layout = (images: number, rest: Partial<Layout> = {}): Layout => ({
  picture: "cam",
  layer: "conv",
  media: "gray8",
  tile: [1, 1],
  tiles: 2,
  columns: 2,
  images,
  ...rest,
});

/** A probe whose photographs are told apart by their checksums. */
const probe = (segment: number, ...sums: number[]): Probe => ({
  segment,
  writer: `w${segment}`,
  size: [1, 1],
  range: [0, 1],
  images: sums.map((sum) => ({ name: `${sum}`, label: null, class: null })),
  class_names: null,
  sheets: sums.map((sum, i) => [100 * segment + i, 7, sum]),
});

describe("probe images of a layout", () => {
  it("are the listed ones, else the first ones", () => {
    expect(probesOf(layout(4, { probes: [8, 9, 10, 11] }))).toEqual([8, 9, 10, 11]);
    expect(probesOf(layout(3))).toEqual([0, 1, 2]);
    expect(probesOf(layout(0))).toEqual([]);
  });

  it("lead to their sheet, or to none", () => {
    const some = layout(2, { probes: [8, 3] });
    expect([8, 3, 0].map((image) => sheetOf(some, image))).toEqual([0, 1, -1]);
    expect([7, 8].map((image) => sheetOf(layout(8), image))).toEqual([7, -1]);
    expect(sheetOf(layout(0), 5)).toBe(0);
  });

  it("are one photograph where the bytes are the same", () => {
    expect(samePhoto(probe(1, 5, 6), probe(2, 5, 9), 0)).toBe(true);
    expect(samePhoto(probe(1, 5, 6), probe(2, 5, 9), 1)).toBe(false);
    expect(samePhoto(probe(1, 5), probe(2, 5), 1)).toBe(false);
    expect(samePhoto(null, probe(2, 5), 0)).toBe(false);
  });
});

const columns = (layouts: [string, number][], ordinals: number[], sheets: number): Columns => ({
  kind: "cam",
  layer: "conv",
  ordinals: new Ordinals(Int32Array.from(ordinals)),
  writers: [["w", ordinals.length]],
  layouts,
  offset: Array.from({ length: sheets }, (_, i) => 10 * i),
  length: Array.from({ length: sheets }, () => 1),
  crc: Array.from({ length: sheets }, () => 2),
  lo: [],
  hi: [],
  p: [],
  q: [],
});

describe("sheets of records", () => {
  // Two records of 3 sheets, two of one that belongs to no image, one of 2.
  const mixed = columns(
    [
      ["a", 2],
      ["b", 2],
      ["c", 1],
    ],
    [0, 1, 2, 3, 4],
    10,
  );
  const layouts = new Map([
    ["a", layout(3)],
    ["b", layout(0)],
    ["c", layout(2)],
  ]);
  const offset = (record: number, sheet: number) => sheetRef(mixed, record, sheet, layouts)?.offset;

  it("begin after those of all records before, by their own counts", () => {
    expect([offset(0, 0), offset(1, 2)]).toEqual([0, 50]);
    expect([offset(2, 0), offset(3, 0)]).toEqual([60, 70]);
    expect([offset(4, 0), offset(4, 1)]).toEqual([80, 90]);
  });

  it("are none beyond a record's count, nor behind a layout that is not known", () => {
    expect(sheetRef(mixed, 0, 3, layouts)).toBeNull();
    expect(sheetRef(mixed, 2, 1, layouts)).toBeNull();
    expect(sheetRef(mixed, 0, -1, layouts)).toBeNull();
    expect(sheetRef(mixed, 5, 0, layouts)).toBeNull();
    expect(sheetRef(mixed, 4, 0, new Map([["c", layout(2)]]))).toBeNull();
  });
});

describe("scenes of a film", () => {
  const recorded = columns(
    [
      ["a", 2],
      ["b", 2],
    ],
    [0, 1, 2, 3],
    8,
  );
  const layouts = new Map([
    ["a", layout(2, { probes: [4, 5], channels: [7, 9] })],
    ["b", layout(2, { probes: [5, 4], channels: [9, 3] })],
  ]);
  const request = { kind: "cam", layer: "conv", image: 5, channel: 9 as number | null };
  const one = probe(1, 0, 0, 0, 0, 4, 5);

  it("take the sheet and the tile from each record's own layout", () => {
    expect(scenes(recorded, layouts, request, one, () => one)).toEqual([
      { record: 0, location: { sheet: 1, tile: 1 } },
      { record: 1, location: { sheet: 1, tile: 1 } },
      { record: 2, location: { sheet: 0, tile: 0 } },
      { record: 3, location: { sheet: 0, tile: 0 } },
    ]);
  });

  it("skip records that do not draw the channel", () => {
    const drawn = scenes(recorded, layouts, { ...request, channel: 3 }, one, () => one);
    expect(drawn.map(({ record }) => record)).toEqual([2, 3]);
  });

  it("skip records of another photograph", () => {
    const other = probe(2, 0, 0, 0, 0, 4, 6);
    const at = (ordinal: number) => (ordinal < 3 ? one : other);
    const records = (image: number) =>
      scenes(recorded, layouts, { ...request, image }, one, at).map(({ record }) => record);
    expect(records(5)).toEqual([0, 1, 2]);
    expect(records(4)).toEqual([0, 1, 2, 3]);
  });
});
