import { describe, expect, it } from "vitest";
import { colorMap, levelColors, levelValue, MAPS, symmetric, union } from "../../src/draw/color";
import { camScale, enlarge, overlay, percentile } from "../../src/draw/overlay";
import { decode } from "../../src/draw/png";
import { tileOf } from "../../src/draw/tiles";
import { toNumber } from "../../src/model/json";
import { golden } from "../golden";

describe("colors as Python has them", () => {
  it.each(MAPS)("map %s", (name) => {
    expect(Array.from(colorMap(name))).toEqual(golden.colormaps[name].flat());
  });

  it.each(golden.colorize.map((entry, i) => [i, entry] as const))("case %i", (_, entry) => {
    const range = { low: toNumber(entry.low), high: toNumber(entry.high) };
    const colors = levelColors(toNumber(entry.lo), toNumber(entry.hi), range, entry.colormap);
    const rgb = entry.levels.map((level) => Array.from(colors.subarray(4 * level, 4 * level + 3)));
    expect(rgb).toEqual(entry.rgb);
    expect(entry.levels.every((level) => colors[4 * level + 3] === 255)).toBe(true);
  });

  it("gives infinities and NaN colors of their own", () => {
    const colors = levelColors(0, 1, { low: 0, high: 1 }, "viridis");
    for (const [level, rgb] of Object.entries(golden.special_colors)) {
      const at = 4 * Number(level);
      expect(Array.from(colors.subarray(at, at + 3))).toEqual(rgb);
    }
  });
});

describe("ranges", () => {
  it("unites what is finite", () => {
    expect(union([0, -2, Number.NaN], [1, 5, Number.POSITIVE_INFINITY])).toEqual({
      low: -2,
      high: 5,
    });
    expect(union([Number.NaN], [Number.NaN])).toBeNull();
  });

  it("puts zero in the middle", () => {
    expect(symmetric({ low: -1, high: 3 })).toEqual({ low: -3, high: 3 });
  });
});

describe("maps over photographs as Python lays them", () => {
  it.each(golden.enlarge.map((entry, i) => [i, entry] as const))("enlarges %i", (_, entry) => {
    const map = entry.map.flat().map((value) => toNumber(value));
    const size: [number, number] = [entry.map.length, entry.map[0]?.length ?? 0];
    const values = enlarge(map, size, entry.size);
    const expected = entry.values.flat().map((value) => toNumber(value));
    expect(values.length).toBe(expected.length);
    expected.forEach((value, i) => {
      if (Number.isFinite(value)) expect(values[i]).toBeCloseTo(value, 11);
      else expect(values[i]).toBe(value);
    });
  });

  it("overlays signed values by both ends of the map, nothing where they are zero", () => {
    const image = new Uint8Array(12).fill(100);
    const cam = [Number.NaN, -2, 0, 1];
    const rgb = overlay(image, [1, 4], cam, [1, 4], 2, "balance", 1, true);
    const map = colorMap("balance");
    expect([...rgb.subarray(0, 3)]).toEqual([100, 100, 100]);
    expect([...rgb.subarray(3, 6)]).toEqual([...map.subarray(0, 3)]);
    expect([...rgb.subarray(6, 9)]).toEqual([100, 100, 100]);
    const half = [0, 1, 2].map((c) => Math.floor(50 + (map[3 * 191 + c] ?? 0) / 2 + 0.5));
    expect([...rgb.subarray(9)]).toEqual(half);
  });

  it("finds the size that most values stay within", () => {
    const values = Float64Array.from({ length: 100 }, (_, i) => (i % 2 ? i + 1 : -i - 1));
    expect(percentile(values, 0.99)).toBe(99);
    expect(percentile(new Float64Array([Number.NaN, -4]), 0.5)).toBe(4);
    expect(percentile(new Float64Array(0), 0.5)).toBe(0);
  });

  it.each(golden.overlay.map((entry, i) => [i, entry] as const))("overlays %i", (_, entry) => {
    const image = Uint8Array.from(entry.image.flat(2));
    const size: [number, number] = [entry.image.length, entry.image[0]?.length ?? 0];
    const cam = entry.cam.flat().map((value) => toNumber(value));
    const camSize: [number, number] = [entry.cam.length, entry.cam[0]?.length ?? 0];
    const maximum = toNumber(entry.maximum);
    const rgb = overlay(image, size, cam, camSize, maximum, entry.colormap, entry.strength);
    expect(Array.from(rgb)).toEqual(entry.rgb.flat(2));
  });

  it("scales a CAM by its own maximum above a floor of the series' largest", () => {
    expect(camScale(2, 10)).toBe(2);
    expect(camScale(0.1, 10)).toBe(0.5);
    expect(camScale(0, 10)).toBe(0);
    expect(camScale(Number.NaN, 10)).toBe(0);
    expect(camScale(2, Number.NaN)).toBe(2);
  });
});

describe("sheets as Python writes them", () => {
  it.each(golden.sheets.map((entry, i) => [i, entry] as const))("sheet %i", async (_, entry) => {
    const sheet = await decode(Uint8Array.from(Buffer.from(entry.png, "base64")));
    expect(Array.from(sheet.pixels)).toEqual(entry.pixels.flat(2));
    expect(sheet.height).toBe(entry.pixels.length);
    expect(sheet.text).toEqual(entry.text);
    if (entry.ranges === null) {
      expect(sheet.ranges).toBeNull();
      expect(sheet.channels).toBe(3);
      return;
    }
    expect(Array.from(sheet.ranges ?? [])).toEqual(entry.ranges.flat().map((v) => toNumber(v)));
    entry.values?.forEach((values, tile) => {
      const levels = tileOf(sheet, entry.tile, entry.columns, tile);
      const [lo, hi] = (entry.ranges?.[tile] ?? []).map((v) => toNumber(v));
      const got = Array.from(levels, (level) => levelValue(level, lo ?? 0, hi ?? 0));
      expect(got).toEqual(values.flat().map((v) => toNumber(v)));
    });
  });

  it("describes what is wrong with other bytes", async () => {
    await expect(decode(new Uint8Array([1, 2, 3]))).rejects.toThrow(
      "received 3 bytes that are not a PNG",
    );
    const png = Uint8Array.from(Buffer.from(golden.sheets[0]?.png ?? "", "base64"));
    await expect(decode(png.subarray(0, png.length - 20))).rejects.toThrow("cut off");
  });
});
