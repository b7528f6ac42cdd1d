import { describe, expect, it } from "vitest";
import {
  changes,
  colorsOf,
  lineOf,
  rightShare,
  type Said,
  strongest,
  worthALine,
} from "../src/predictions";
import { addTold, holding } from "../src/store/health";

const guess = (index: number, value: number) => ({ class: index, value });
// Class 3 leads, then 1 for two positions; nothing was logged at position 2.
const said: Said = [
  [guess(3, 0.6), guess(1, 0.3)],
  [guess(1, 0.5), guess(3, 0.4)],
  undefined,
  [guess(1, 0.9), guess(7, 0.05)],
];

describe("a model's mind", () => {
  it("has changed where the strongest class is another than before", () => {
    expect(changes(said)).toEqual([{ ordinal: 1, from: 3, to: 1 }]);
    expect(changes([undefined, [guess(1, 1)], [guess(1, 1)]])).toEqual([]);
    expect(changes([])).toEqual([]);
  });

  it("is drawn as the true class, those that led, and those that came near", () => {
    expect(worthALine(said, 7, 5)).toEqual([7, 1, 3]);
    expect(worthALine(said, null, 2)).toEqual([1, 3]);
    expect(worthALine(said, 5, 5)).toEqual([5, 1, 3, 7]);
    expect(worthALine([], 5, 5)).toEqual([]);
  });

  it("breaks a line where the class was not among the strongest", () => {
    expect(lineOf(said, 3)).toEqual([0.6, 0.4, undefined, Number.NaN]);
  });

  it("gives classes colors of their own, apart even where they would share one", () => {
    const colors = [...colorsOf([9, 1, 2, 17])];
    expect(colors).toEqual([
      [9, "--class-1"],
      [1, "--class-2"],
      [2, "--class-3"],
      [17, "--class-4"],
    ]);
    expect(colorsOf(Array.from({ length: 20 }, (_, i) => i)).size).toBe(20);
  });

  it("is nothing where the model's output is NaN", () => {
    const lost: Said = [[guess(2, 0.9)], [guess(0, Number.NaN), guess(1, Number.NaN)]];
    expect(lost.map(strongest)).toEqual([2, null]);
    expect([strongest(undefined), strongest([])]).toEqual([null, null]);
    expect(changes(lost)).toEqual([]);
    // Argmax of NaN is class 0: no hit.
    expect(rightShare(lost, 0)).toBe(0);
    expect(rightShare(lost, 2)).toBe(0.5);
  });

  it("was right at a share of the positions", () => {
    expect(rightShare(said, 1)).toBeCloseTo(2 / 3);
    expect(rightShare(said, null)).toBeNull();
    expect(rightShare([undefined], 1)).toBeNull();
  });
});

describe("advice", () => {
  const told = [
    { ordinal: 2, layer: "a", rule: "dead", text: "3 dead" },
    { ordinal: 3, layer: "b", rule: "dead", text: "all dead" },
    { ordinal: 5, layer: "a", rule: "dead", text: null },
  ];

  it("holds from where it was told until it is told anew", () => {
    const at = (ordinal: number) => holding(told, ordinal).map((one) => one.layer);
    expect([at(1), at(2), at(4), at(9)]).toEqual([[], ["a"], ["a", "b"], ["b"]]);
  });

  it("is told anew from where an answer begins", () => {
    const answer = { positions: [], layers: [], channels: [], numbers: {} };
    expect(addTold([], { ...answer, since: 0 })).toEqual([]);
    const next = addTold(told, { ...answer, since: 3, advice: [[3, "b", "dead", "1 dead"]] });
    expect(holding(next, 9).map((one) => one.text)).toEqual(["3 dead", "1 dead"]);
  });
});
