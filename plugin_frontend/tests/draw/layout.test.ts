import { describe, expect, it } from "vitest";
import { rowLabels } from "../../src/draw/arrange";
import { levelColors } from "../../src/draw/color";
import { paintGrid, toRgba } from "../../src/draw/paint";
import type { Sheet } from "../../src/draw/png";
import { bestColumns, gridOf, isConstant, marks } from "../../src/draw/tiles";

/** Three tiles of 1 x 2 in a sheet of two columns. */
const sheet: Sheet = {
  width: 4,
  height: 2,
  channels: 1,
  pixels: Uint8Array.from([0, 252, 126, 126, 255, 254, 0, 0]),
  ranges: Float32Array.from([0, 1, 5, 5, Number.NaN, Number.NaN]),
  text: null,
};
const tiling = { tile: [1, 2] as const, tiles: 3, columns: 2 };

describe("the grid", () => {
  it("uses the room: few columns in a tall window, many in a wide one", () => {
    expect(bestColumns(64, [29, 29], 1400, 400)).toBe(16);
    expect(bestColumns(64, [29, 29], 728, 400)).toBe(16);
    expect(bestColumns(64, [29, 29], 600, 400)).toBe(8);
    expect(bestColumns(64, [29, 29], 700, 700)).toBe(8);
    expect(bestColumns(5, [48, 48], 728, 350)).toBe(5);
    expect(bestColumns(64, [29, 29], 300, 1200)).toBe(4);
    expect(bestColumns(1, [9, 9], 500, 500)).toBe(1);
  });

  it("has a gap of one map pixel, none between small tiles", () => {
    expect(gridOf(5, [16, 20], 2)).toEqual({
      columns: 2,
      rows: 3,
      gap: 1,
      lead: 1,
      width: 41,
      height: 50,
    });
    expect(gridOf(5, [4, 4], 2)).toEqual({
      columns: 2,
      rows: 3,
      gap: 0,
      lead: 0,
      width: 8,
      height: 12,
    });
  });

  it("paints each tile to its place in its own colors, gaps and rest transparent", () => {
    const grid = { columns: 3, rows: 1, gap: 1, lead: 1, width: 8, height: 1 };
    const range = { low: 0, high: 1 };
    const { pixels, clipped } = paintGrid(sheet, tiling, grid, () => range, "viridis");
    const own = levelColors(0, 1, range, "viridis");
    const pixel = (x: number) => Array.from(pixels.subarray(4 * x, 4 * x + 4));
    expect(pixel(0)).toEqual(Array.from(own.subarray(0, 4)));
    expect(pixel(1)).toEqual(Array.from(own.subarray(4 * 252, 4 * 253)));
    expect(pixel(2)).toEqual([0, 0, 0, 0]);
    expect(pixel(3).slice(0, 3)).toEqual([253, 231, 37]);
    expect(pixel(6)).toEqual([255, 0, 255, 255]);
    expect(pixel(7)).toEqual([255, 150, 255, 255]);
    // The constant tile lies at 5, beyond 1: two of the four finite values.
    expect(clipped).toBe(0.5);
  });

  it("copies RGB as it is", () => {
    const rgb: Sheet = { ...sheet, width: 2, height: 1, channels: 3, ranges: null };
    rgb.pixels = Uint8Array.from([1, 2, 3, 4, 5, 6]);
    const one = { tile: [1, 2] as const, tiles: 1, columns: 1 };
    const { pixels } = paintGrid(
      rgb,
      one,
      gridOf(1, [1, 2], 1),
      () => ({ low: 0, high: 1 }),
      "gray",
    );
    expect(Array.from(pixels)).toEqual([1, 2, 3, 255, 4, 5, 6, 255]);
    expect(Array.from(toRgba(rgb.pixels))).toEqual(Array.from(pixels));
  });
});

describe("marks", () => {
  it("name constant tiles and those with NaN or infinity", () => {
    expect(marks(sheet, [1, 2], 2, 3)).toEqual([
      { constant: false, nonFinite: 0 },
      { constant: true, nonFinite: 0 },
      { constant: false, nonFinite: 2 },
    ]);
  });

  it("take a range that is rounding for constant", () => {
    expect(isConstant(1, 1 + 1e-7)).toBe(true);
    expect(isConstant(0, 1e-7)).toBe(false);
    expect(isConstant(0, 0)).toBe(true);
  });
});

describe("labels of the rows of a map", () => {
  const paths = Array.from({ length: 50 }, (_, i) => `${i}`);
  const rows = (chosen: number) => rowLabels(paths, 3, 11, chosen).map(({ row }) => row);

  it("are all there where the rows are high", () => {
    // 0.1 + 0.2 > 0.3: tops that are one line apart are not less.
    for (const height of [26, 11.3, 11]) {
      expect(rowLabels(paths, height, height, -1)).toHaveLength(50);
    }
  });

  it("do not touch each other, the last ones neither", () => {
    for (const chosen of [-1, 0, 1, 25, 47, 48, 49]) {
      const tops = rowLabels(paths, 3, 11, chosen).map(({ top }) => top);
      const apart = tops.slice(1).map((top, i) => top - (tops[i] ?? 0));
      expect(Math.min(...apart)).toBeGreaterThan(10.5);
      expect(Math.max(...tops)).toBeLessThanOrEqual(50 * 3 - 11);
    }
  });

  it("are that of the chosen row in any case, and of every so manyth", () => {
    expect(rows(-1)).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 44]);
    expect(rows(49)).toEqual([0, 4, 8, 12, 16, 20, 24, 28, 32, 36, 40, 49]);
    expect(rows(6)).toContain(6);
  });
});
