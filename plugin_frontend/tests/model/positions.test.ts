import { describe, expect, it } from "vitest";
import {
  epochCount,
  expand,
  kerasLabel,
  label,
  lastOf,
  Ordinals,
  type PositionRun,
  parseStep,
  seams,
  snapshotLabel,
  tick,
  token,
} from "../../src/model/positions";

// Fit 1: epochs 0 to 2. Fit 2 repeats epoch 2, logs a batch of epoch 3, its end, and the end of fit.
const RUNS: PositionRun[] = [
  [1, 0, 3],
  [2, 2, 1],
  [2, 3, 1, 45],
  [2, 3, 1],
  [2, 3, 1, null, true],
];
const positions = expand(RUNS);

describe("positions", () => {
  it("expands runs in writing order", () => {
    expect(positions.map((p) => [p.segment, p.epoch])).toEqual([
      [1, 0],
      [1, 1],
      [1, 2],
      [2, 2],
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
    expect(positions[4]).toEqual({ segment: 2, epoch: 3, batch: 45, final: false });
    expect(positions[6]?.final).toBe(true);
  });

  it("sees a seam where a new fit begins", () => {
    expect(seams(positions)).toEqual([3]);
    expect(seams([])).toEqual([]);
  });

  it("is named for people, and as Keras prints it", () => {
    const [first, , , , batch, , final] = positions;
    if (first === undefined || batch === undefined || final === undefined) throw new Error("none");
    expect(label(first)).toBe("epoch 0");
    expect(label(batch, 2)).toBe("epoch 3, batch 45 · fit 2");
    expect(label(final)).toBe("epoch 3, end of fit");
    expect(kerasLabel(first, 12)).toBe("Epoch 1/12");
    expect(kerasLabel(first, null)).toBe("Epoch 1");
    expect(epochCount(first, 12)).toBe("1st of 12");
    expect(epochCount(batch, null)).toBe("4th");
    // Not that of the fit which logged it: "4th of 3" would be nonsense.
    expect(epochCount(final, 3)).toBe("4th");
    expect(epochCount(final, 4)).toBe("4th of 4");
    expect([first, batch, final].map(tick)).toEqual(["0", "3@45", "3@end"]);
  });
});

describe("a step in an address", () => {
  it.each([
    ["0", 0],
    ["2", 3],
    ["1:2", 2],
    ["3", 5],
    ["3@45", 4],
    ["3@end", 6],
    [" 2:2 ", 3],
    ["2:1", null],
    ["4", null],
    ["3@44", null],
    ["-1", null],
    ["two", null],
    ["", null],
  ])("%j is ordinal %j", (text, ordinal) => {
    expect(parseStep(text, positions)).toBe(ordinal);
  });

  it("finds an epoch of which only batches were logged", () => {
    expect(
      parseStep(
        "7",
        expand([
          [1, 7, 1, 10],
          [1, 7, 1, 20],
        ]),
      ),
    ).toBe(1);
  });

  it("names the segment only where a newer one has the epoch too", () => {
    expect(positions.map((_, i) => token(positions, i))).toEqual([
      "0",
      "1",
      "1:2",
      "2",
      "3@45",
      "3",
      "3@end",
    ]);
  });

  it("comes back from every token", () => {
    positions.forEach((_, i) => {
      expect(parseStep(token(positions, i), positions)).toBe(i);
    });
    expect(token(positions, 99)).toBe("");
  });
});

describe("ordinals of a series", () => {
  const ordinals = new Ordinals([
    [2, 3],
    [10, 1],
  ]);

  it("are expanded", () => {
    expect([...ordinals.values]).toEqual([2, 3, 4, 10]);
  });

  it.each([
    [0, -1, 0],
    [2, 0, 0],
    [4, 2, 2],
    [9, 2, 2],
    [10, 3, 3],
    [99, 3, 3],
  ])("at or before %i is record %i, nearest %i", (ordinal, before, nearest) => {
    expect(ordinals.atOrBefore(ordinal)).toBe(before);
    expect(ordinals.nearest(ordinal)).toBe(nearest);
  });

  it("of nothing have no nearest", () => {
    expect(new Ordinals([]).nearest(3)).toBe(-1);
  });
});

it("the last position of a segment is found where a newer one has fewer epochs", () => {
  const list = expand([
    [1, 0, 3],
    [2, 0, 1],
  ]);
  expect([1, 2, 3].map((segment) => lastOf(list, segment)?.epoch)).toEqual([2, 0, undefined]);
});

describe("a picture of another position than the requested one", () => {
  const list = expand(RUNS);

  it.each([
    [1, 1, "epoch 1 · fit 1"],
    [0, 2, "epoch 0 (none logged at 2)"],
    [2, 0, "epoch 2 (none logged at 0)"],
    [1, 4, "epoch 1 · fit 1 (none logged at 3, batch 45 · fit 2)"],
  ])("%i for %i", (ordinal, requested, text) => {
    expect(snapshotLabel(list, ordinal, requested, 2)).toBe(text);
  });

  it("names no fit if there is one only, and nothing that is missing", () => {
    expect(snapshotLabel(list, 1, 1, 1)).toBe("epoch 1");
    expect(snapshotLabel(list, 99, 1, 1)).toBe("");
  });
});
