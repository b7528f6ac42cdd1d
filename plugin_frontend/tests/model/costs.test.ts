import { describe, expect, it } from "vitest";
import type { CostSegment } from "../../src/model/answers";
import { costsOf, isExpensive } from "../../src/model/costs";

const segment = (more: Partial<CostSegment> = {}): CostSegment => ({
  segment: 1,
  budget: null,
  wall: 120,
  main: 8,
  compile: 10,
  wait: 1,
  writer: 2,
  factor: 0.5,
  methods: {
    Cheap: { main: 2, compile: 0, encode: 0, snapshots: 4, skipped: 0 },
    Expensive: { main: 6, compile: 10, encode: 1, snapshots: 3, skipped: 2 },
  },
  ...more,
});

describe("the costs of logging", () => {
  it("are divided among the callbacks, the most expensive first", () => {
    const costs = costsOf([segment()]);
    expect(costs.rows).toEqual([
      { name: "Expensive", seconds: 6.5, main: 6, compile: 10, snapshots: 3, skipped: 2 },
      { name: "Cheap", seconds: 2, main: 2, compile: 0, snapshots: 4, skipped: 0 },
    ]);
    expect([costs.other, costs.compile]).toEqual([1.5, 10]);
  });

  it("of tbviz itself belong to no callback", () => {
    const { methods } = segment();
    const tbviz = { main: 3, compile: 0, encode: 1, snapshots: 9, skipped: 0 };
    const costs = costsOf([segment({ methods: { ...methods, tbviz }, main: 11 })]);
    expect(costs.rows.map((row) => row.name)).toEqual(["Expensive", "Cheap"]);
    // Its own, waiting, and a CPU second of the writer for each of it and of Expensive at half price.
    expect(costs.other).toBe(3 + 1 + 0.5);
    expect(costs.share).toBeCloseTo((11 + 1 + 1) / (120 - 11 - 1 - 10));
  });

  it("are a share of training itself: without logging and without compiling", () => {
    const { training, share } = costsOf([segment()]);
    expect(training).toBe(101);
    expect(share).toBeCloseTo(10 / 101);
  });

  it("add up over fits, each by its own factor", () => {
    const costs = costsOf([segment(), segment({ segment: 2, factor: null, budget: 0.05 })]);
    expect(costs.rows[0]).toMatchObject({
      name: "Expensive",
      seconds: 12.5,
      snapshots: 6,
      skipped: 4,
    });
    expect(costs.training).toBe(2 * 101);
    expect(costs.share).toBeCloseTo(19 / 202);
    expect(costs.budget).toBe(0.05);
  });

  it("have no share if nothing was logged or only logging was done", () => {
    expect(costsOf([]).share).toBeNull();
    expect(costsOf([segment({ wall: 19 })]).share).toBeNull();
    expect(costsOf([segment({ wall: "NaN" })]).share).toBeNull();
  });

  it("are high above a tenth of training, unless there is a budget", () => {
    expect(isExpensive(costsOf([segment()]))).toBe(false);
    expect(isExpensive(costsOf([segment({ wall: 70 })]))).toBe(true);
    expect(isExpensive(costsOf([segment({ wall: 70, budget: 0.05 })]))).toBe(false);
  });
});
