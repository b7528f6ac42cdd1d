import { describe, expect, it } from "vitest";
import { arrange, shortened } from "../../src/draw/arrange";
import { barAt, captionsOf, countOf, isNumbered, tileName } from "../../src/model/captions";

const room = { width: 728, height: 340 };
const image = (index: number) => ["cat", "dog"][index] ?? "?";

describe("the arrangement of a sheet", () => {
  it("keeps a stored grid that has headers, and scrolls before tiles get too small", () => {
    const titles = Array.from({ length: 15 }, (_, i) => `net/block${i}/conv`);
    const layout = { tile: [32, 32] as [number, number], tiles: 120, columns: 15 };
    const { grid, scale, top, slanted } = arrange(
      { ...layout, column_titles: titles },
      room,
      false,
    );
    expect([grid.columns, grid.rows, slanted]).toEqual([15, 8, true]);
    expect(32 * scale).toBeGreaterThanOrEqual(36);
    expect(grid.width * scale).toBeLessThanOrEqual(728);
    expect(top).toBeGreaterThan(20);
    // The same tiles without headers flow.
    expect(arrange(layout, room, false).grid.columns).not.toBe(15);
  });

  it("makes room for the captions of tiles, unless the tiles are too small for words", () => {
    const layout = { tile: [64, 64] as [number, number], tiles: 10, columns: 10 };
    const { grid, scale, caption } = arrange(layout, room, true);
    expect(caption).toBeGreaterThan(0);
    expect(grid.lead * scale).toBeGreaterThanOrEqual(caption);
    expect(grid.rows * (64 * scale + caption)).toBeLessThanOrEqual(345);
    expect(arrange({ ...layout, tiles: 900 }, room, true).caption).toBe(0);
  });

  it("enlarges kernels, but not to flags, and by whole pixels", () => {
    const few = arrange({ tile: [3, 3], tiles: 4, columns: 4 }, room, false);
    expect(3 * few.scale).toBeLessThanOrEqual(112);
    expect(3 * few.scale).toBeGreaterThan(90);
    expect(few.scale).toBe(Math.floor(few.scale));
    const one = arrange({ tile: [64, 64], tiles: 1, columns: 1 }, room, false);
    expect(64 * one.scale).toBeGreaterThan(300);
  });

  it("shortens paths as far as they stay apart", () => {
    expect(shortened(["a/b/conv", "a/c/conv", "a/c/pool", "top"])).toEqual([
      "b/conv",
      "c/conv",
      "pool",
      "top",
    ]);
    expect(shortened(["same", "same"])).toEqual(["same", "same"]);
  });
});

describe("what a tile is called", () => {
  const plain = { tiles: 2, columns: 2 };

  it("its caption, its image, its row or its channel", () => {
    expect(tileName({ ...plain, titles: ["one", "two"] }, "classes", 1, image)).toBe("two");
    expect(tileName(plain, "activations:colors", 1, image)).toBe("dog");
    const fixed = { ...plain, tiles: 4, column_titles: ["a", "b"] };
    expect(tileName(fixed, "overview", 3, image)).toBe("b · row 2");
    expect(tileName({ ...fixed, row_titles: ["r", "s"] }, "augmentation", 2, image)).toBe("s · a");
    expect(tileName({ ...plain, channels: [4, 9] }, "kernels", 1, image)).toBe("filter 9");
    expect(tileName(plain, "spectra", 1, image)).toBe("tile 1");
  });

  it("captions stand under tiles only where there are no headers", () => {
    expect(captionsOf({ ...plain, titles: ["one", "two"] }, "classes", image)).toEqual([
      "one",
      "two",
    ]);
    expect(captionsOf({ ...plain, row_titles: ["r"] }, "hypercolumns:colors", image)).toBeNull();
    expect(captionsOf(plain, "hypercolumns:colors", image)).toEqual(["cat", "dog"]);
    expect(captionsOf(plain, "activations", image)).toBeNull();
  });

  it("a bar of a diagram is a channel", () => {
    const layout = { bars: [3, 8], tile: [4, 10] as [number, number] };
    expect([0, 4, 5, 9].map((x) => barAt(layout, x))).toEqual([3, 3, 8, 8]);
    expect(barAt({ tile: [4, 10] }, 2)).toBeNull();
  });

  it("numbered tiles are counted, the others have captions", () => {
    expect(countOf({ ...plain, total: 64 }, "activations")).toBe("2 of 64 channels");
    expect(countOf(plain, "kernels")).toBe("2 filters");
    expect(countOf({ ...plain, titles: ["one", "two"] }, "classes")).toBe("");
    expect(isNumbered({ ...plain, column_titles: ["a", "b"] }, "overview")).toBe(false);
  });
});
