import { describe, expect, it } from "vitest";
import { activeAt, addAdvice } from "../../src/model/health";
import {
  classesToPlot,
  colorsOf,
  countCorrect,
  predictionChanges,
  scoresOf,
} from "../../src/model/predictionLines";
import { type PredictionHistory, topClass } from "../../src/model/predictions";

const score = (index: number, value: number) => ({ class: index, value });
// Class 3 leads, then 1 for two positions; nothing was logged at position 2.
const history: PredictionHistory = [
  [score(3, 0.6), score(1, 0.3)],
  [score(1, 0.5), score(3, 0.4)],
  undefined,
  [score(1, 0.9), score(7, 0.05)],
];

describe("the predictions for an image", () => {
  it("change where the top class differs from the one before", () => {
    expect(predictionChanges(history)).toEqual([{ ordinal: 1, from: 3, to: 1 }]);
    expect(predictionChanges([undefined, [score(1, 1)], [score(1, 1)]])).toEqual([]);
    expect(predictionChanges([])).toEqual([]);
  });

  it("are drawn as the true class, those on top, and those that came close", () => {
    expect(classesToPlot(history, 7, 5)).toEqual([7, 1, 3]);
    expect(classesToPlot(history, null, 2)).toEqual([1, 3]);
    expect(classesToPlot(history, 5, 5)).toEqual([5, 1, 3, 7]);
    expect(classesToPlot([], 5, 5)).toEqual([]);
  });

  it("break a line where the class was not among the logged ones", () => {
    expect(scoresOf(history, 3)).toEqual([0.6, 0.4, undefined, Number.NaN]);
  });

  it("have distinct colors, even if two classes would share one", () => {
    const colors = [...colorsOf([9, 1, 2, 17])];
    expect(colors).toEqual([
      [9, "--class-1"],
      [1, "--class-2"],
      [2, "--class-3"],
      [17, "--class-4"],
    ]);
    expect(colorsOf(Array.from({ length: 20 }, (_, i) => i)).size).toBe(20);
  });

  it("have no top class if the model's output is NaN", () => {
    const lost: PredictionHistory = [[score(2, 0.9)], [score(0, Number.NaN), score(1, Number.NaN)]];
    expect(lost.map(topClass)).toEqual([2, null]);
    expect([topClass(undefined), topClass([])]).toEqual([null, null]);
    expect(predictionChanges(lost)).toEqual([]);
    // Argmax of NaN is class 0: no hit.
    expect(countCorrect(lost, 0)).toEqual({ correct: 0, total: 2 });
    expect(countCorrect(lost, 2)).toEqual({ correct: 1, total: 2 });
  });

  it("are counted, and the correct ones among them", () => {
    expect(countCorrect(history, 1)).toEqual({ correct: 2, total: 3 });
    expect(countCorrect(history, null)).toBeNull();
    expect(countCorrect([undefined], 1)).toBeNull();
  });
});

describe("advice", () => {
  const adviceChanges = [
    { ordinal: 2, layer: "a", rule: "dead", text: "3 dead" },
    { ordinal: 3, layer: "b", rule: "dead", text: "all dead" },
    { ordinal: 5, layer: "a", rule: "dead", text: null },
  ];

  it("is active from its position until it changes", () => {
    const at = (ordinal: number) => activeAt(adviceChanges, ordinal).map((one) => one.layer);
    expect([at(1), at(2), at(4), at(9)]).toEqual([[], ["a"], ["a", "b"], ["b"]]);
  });

  it("is replaced from where an answer begins", () => {
    const answer = { positions: [], layers: [], channels: [], numbers: {} };
    expect(addAdvice([], { ...answer, since: 0 })).toEqual([]);
    const next = addAdvice(adviceChanges, {
      ...answer,
      since: 3,
      advice: [[3, "b", "dead", "1 dead"]],
    });
    expect(activeAt(next, 9).map((one) => one.text)).toEqual(["3 dead", "1 dead"]);
  });
});
