import { describe, expect, it } from "vitest";
import { ends, ordinalTicks, roundTicks, runsOf } from "../../src/draw/chart";
import {
  carriedForward,
  downsampled,
  lastSnapshots,
  maxima,
  polyline,
} from "../../src/model/downsample";
import {
  duration,
  nth,
  number,
  numberRanges,
  percent,
  plural,
  tickText,
} from "../../src/model/format";
import { pickFrames } from "../../src/model/frames";
import { pairs, shownPairs, title } from "../../src/model/metrics";
import { smooth } from "../../src/model/smoothing";
import { formatStatistic } from "../../src/model/statistics";

describe("smoothing as TensorBoard's", () => {
  it("divides by the weight of what was seen", () => {
    // 0.5 * 0 + 0.5 * 2 = 1, over 1 - 0.5; then 0.5 * 1 + 0.5 * 4 = 2.5, over 1 - 0.25.
    expect(smooth([2, 4], 0.5)).toEqual([2, 2.5 / 0.75]);
  });

  it("passes values on that are no numbers, without counting them", () => {
    const [first, none, nan, second] = smooth([2, null, Number.NaN, 4], 0.5);
    expect([first, none]).toEqual([2, null]);
    expect(nan).toBeNaN();
    expect(second).toBe(2.5 / 0.75);
  });

  it("leaves a constant series and weight 0 as they are", () => {
    expect(smooth([0.1, 0.1, 0.1], 0.9)).toEqual([0.1, 0.1, 0.1]);
    expect(smooth([1, 2], 0)).toEqual([1, 2]);
  });
});

describe("many positions on few pixels", () => {
  it("carries a value forward until the next", () => {
    expect(carriedForward([undefined, 1, undefined, 3], 6)).toEqual([Number.NaN, 1, 1, 3, 3, 3]);
    expect(lastSnapshots([undefined, 1, undefined, 3], 6)).toEqual([-1, 1, 1, 3, 3, 3]);
    // NaN was captured too.
    expect(lastSnapshots([0, Number.NaN, undefined], 3)).toEqual([0, 1, 1]);
  });

  it("takes the largest that share a bin, so that a lone event is not lost", () => {
    expect(maxima([0, 5, 0, 0, 1, Number.NaN], 3)).toEqual([5, 0, 1]);
    expect(maxima([Number.NaN, Number.NaN], 1)).toEqual([Number.NaN]);
  });

  it("thins a line to the means of its bins", () => {
    expect(downsampled([1, 3, 5, undefined], 4, 2)).toEqual([
      [0.5 / 3, 2],
      [2 / 3, 5],
    ]);
  });

  it("draws a line into a box, higher values higher up", () => {
    const line: [number, number][] = [
      [0, 1],
      [1, 3],
    ];
    expect(polyline(line, 10, 4)).toBe("0.0,4.0 10.0,0.0");
    expect(polyline([[0, 1]], 10, 4)).toBe("");
  });
});

describe("charts", () => {
  it("span the finite values with some air, and do not go below zero for it", () => {
    expect(ends([[0, 10, Number.NaN, undefined]])).toEqual({ low: 0, high: 10.6 });
    const { low, high } = ends([[-1, 1]]);
    expect(low).toBeCloseTo(-1.12);
    expect(high).toBeCloseTo(1.12);
    expect(ends([[]])).toEqual({ low: 0, high: 1 });
    const flat = ends([[3, 3]]);
    expect(flat.low).toBeLessThan(3);
    expect(flat.high).toBeGreaterThan(3);
  });

  it("tick at round numbers, no more than there is room for", () => {
    expect(roundTicks({ low: 0, high: 10 }, 5)).toEqual([0, 2, 4, 6, 8, 10]);
    expect(roundTicks({ low: 0.13, high: 0.41 }, 3)).toEqual([0.2, 0.30000000000000004, 0.4]);
    expect(ordinalTicks(24, 5)).toEqual([0, 5, 10, 15, 20]);
    expect(ordinalTicks(3, 10)).toEqual([0, 1, 2]);
  });

  it("pass over positions without a value and break at what is no number", () => {
    expect(runsOf([1, undefined, 2, Number.NaN, 3])).toEqual([
      [
        [0, 1],
        [2, 2],
      ],
      [[4, 3]],
    ]);
  });
});

describe("film strips", () => {
  it("show every record while there is room, then every second, fourth ...", () => {
    expect(pickFrames(5, 12)).toEqual({ records: [0, 1, 2, 3, 4], stride: 1 });
    expect(pickFrames(24, 12)).toEqual({
      records: [0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 23],
      stride: 2,
    });
    expect(pickFrames(1000, 12)).toEqual({
      records: [0, 128, 256, 384, 512, 640, 768, 896, 999],
      stride: 128,
    });
    expect(pickFrames(0, 12).records).toEqual([]);
  });
});

describe("metrics", () => {
  const all = pairs(["lr", "accuracy", "val_loss", "loss", "val_accuracy", "f1"]);

  it("are paired, the loss first and the learning rate last", () => {
    expect(all.map((pair) => pair.name)).toEqual(["loss", "accuracy", "f1", "lr"]);
    expect(all[0]).toEqual({ name: "loss", train: "loss", validation: "val_loss" });
    expect(all[2]?.validation).toBeNull();
  });

  it("show two pairs, chosen ones first", () => {
    expect(shownPairs(all, null).map((pair) => pair.name)).toEqual(["loss", "accuracy"]);
    expect(shownPairs(all, ["lr", "gone"]).map((pair) => pair.name)).toEqual(["lr", "loss"]);
  });

  it("have titles", () => {
    expect(title("top_k_accuracy")).toBe("Top k accuracy");
  });
});

describe("numbers as people read them", () => {
  it.each([
    [0, "0"],
    [64, "64"],
    [12_345, "12,345"],
    [0.12345, "0.123"],
    [1.2345, "1.23"],
    [-12.345, "−12.3"],
    [1234.5, "1,235"],
    [0.000012, "1.2e−5"],
    [12_345_678, "1.2e+7"],
    [Number.NaN, "NaN"],
    [Number.NEGATIVE_INFINITY, "−∞"],
    [null, "–"],
  ])("%j is %s", (value, text) => {
    expect(number(value)).toBe(text);
  });

  it("shares, counts and times", () => {
    expect([0, 0.031, 0.45, 1, Number.NaN].map(percent)).toEqual([
      "0%",
      "3.1%",
      "45%",
      "100%",
      "–",
    ]);
    expect([1, 2, 3, 4, 11, 12, 13, 20, 21, 102, 111, 1013, 1023].map(nth)).toEqual([
      ...["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "20th", "21st", "102nd", "111th"],
      ...["1,013th", "1,023rd"],
    ]);
    expect(plural(1, "notice")).toBe("1 notice");
    expect(plural(1200, "notice")).toBe("1,200 notices");
    expect([4.9, 125, 3 * 3600, 3 * 86_400].map(duration)).toEqual([
      "4 s",
      "2 min",
      "3 h",
      "3 days",
    ]);
  });

  it("lists of them as ranges", () => {
    expect(numberRanges([0, 1, 2, 3, 4, 5])).toBe("0–5");
    expect(numberRanges([0, 5, 34, 35, 40, 41, 42])).toBe("0, 5, 34, 35, 40–42");
    expect(numberRanges([9, 8, 7])).toBe("9, 8, 7");
    expect(numberRanges([0, 2, 4, 6], 3)).toBe("0, 2, 4 …");
    expect(numberRanges([])).toBe("");
  });

  it("on axes as many digits as the distance of the ticks requires", () => {
    expect([0, 0.5, 1].map((value) => tickText(value, 0.5))).toEqual(["0.0", "0.5", "1.0"]);
    expect(tickText(20, 10)).toBe("20");
    expect(tickText(-0.25, 0.05)).toBe("−0.25");
  });
});

describe("a statistic", () => {
  it("is written by its unit", () => {
    expect([
      formatStatistic("dead", 3, 8),
      formatStatistic("sparsity", 0.25),
      formatStatistic("mean", 1.5),
    ]).toEqual(["3 of 8", "25%", "1.50"]);
  });

  it("that compares two positions has no value at the first, which is no fault of the numbers", () => {
    expect([
      formatStatistic("output_change", Number.NaN),
      formatStatistic("weight_update", Number.NaN),
    ]).toEqual(["–", "–"]);
    expect(formatStatistic("weight_norm", Number.NaN)).toBe("NaN");
  });
});
