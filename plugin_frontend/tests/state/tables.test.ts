import { describe, expect, it } from "vitest";
import type { IndexAnswer, Segment, SeriesAnswer } from "../../src/model/answers";
import { addColumns, largest, sheetRef, valueAt } from "../../src/model/columns";
import type { Notice, Series } from "../../src/model/records";
import { merge, probeOf, seriesKey } from "../../src/model/runIndex";
import { addPredictions, addScalars } from "../../src/model/tables";
import { paused, runIndex } from "../../src/state/run";

const series = (count: number): Series => ({
  kind: "activations",
  layer: "conv1",
  layout: "1a2b3c4d",
  media: "gray8",
  images: 2,
  count,
  bytes: 10,
  range: [0, 1],
  percentiles: [0, 1],
  positions: [[0, count]],
});

const segment = (number: number, status: Segment["status"]): Segment => ({
  segment: number,
  writer: `w${number}`,
  status,
  epochs: 12,
  initial_epoch: 0,
  steps: 30,
  started: 1,
  last: 2,
  ended: null,
  reason: null,
  backend: "jax",
});

const whole: IndexAnswer = {
  cursor: "a",
  now: 1,
  segments: [segment(1, "live")],
  positions: [[1, 0, 2]],
  series: [series(2)],
  layouts: {},
  probes: [],
  notices: [],
  latest: { metrics: 1, health: null, predictions: null },
};

describe("the index of a run", () => {
  it("grows by what is new", () => {
    const first = merge(null, whole);
    const next = merge(first, {
      cursor: "b",
      now: 2,
      segments: [segment(1, "finished"), segment(2, "live")],
      positions: [[2, 1, 1]],
      series: [series(3)],
    });
    expect(next.positions.map((p) => p.epoch)).toEqual([0, 1, 1]);
    expect(next.seams).toEqual([2]);
    expect(next.segments.map((s) => s.status)).toEqual(["finished", "live"]);
    expect(next.series.get(seriesKey("activations", "conv1"))?.count).toBe(3);
    expect(next.latest.metrics).toBe(1);
  });

  it("keeps what did not change as it is", () => {
    const first = merge(null, whole);
    const next = merge(first, { cursor: "b", now: 2 });
    expect(next.positions).toBe(first.positions);
    expect(next.series).toBe(first.series);
    expect(next.notices).toBe(first.notices);
  });

  it("starts over after a reset", () => {
    const next = merge(merge(null, whole), { ...whole, reset: true, positions: [[1, 5, 1]] });
    expect(next.positions).toHaveLength(1);
  });

  it("has the probe of a segment, else the last before it", () => {
    const probe = (number: number) => ({
      segment: number,
      writer: `w${number}`,
      size: [1, 1] as [number, number],
      range: [0, 1] as [number, number],
      images: [],
      class_names: null,
      sheets: [],
    });
    const index = merge(null, { ...whole, probes: [probe(1), probe(3)] });
    expect([1, 2, 3, 4].map((s) => probeOf(index, s)?.segment)).toEqual([1, 1, 3, 3]);
    expect(probeOf(merge(null, whole), 1)).toBeNull();
  });
});

describe("columns of a series", () => {
  const answer: SeriesAnswer = {
    since: 0,
    images: 2,
    positions: [[0, 2]],
    writers: [["w1", 2]],
    layouts: [["l1", 2]],
    offset: [10, 20, 30, 40],
    length: [1, 2, 3, 4],
    crc: [5, 6, 7, 8],
    lo: [0, 0, 0, "NaN"],
    hi: [1, 4, 2, "NaN"],
  };
  const first = addColumns(undefined, "activations", "conv1", answer);
  const both = addColumns(first, "activations", "conv1", {
    ...answer,
    since: 2,
    positions: [[5, 1]],
    writers: [["w2", 1]],
    layouts: [["l2", 1]],
    offset: [50, 60],
    length: [5, 6],
    crc: [9, 10],
    lo: [0, 0],
    hi: [9, "Infinity"],
  });

  it("locate a sheet", () => {
    const layouts = new Map(["l1", "l2"].map((id) => [id, { images: 2 }]));
    expect(sheetRef(first, 1, 1, layouts)).toEqual({ writer: "w1", offset: 40, length: 4, crc: 8 });
    expect(sheetRef(both, 2, 0, layouts)).toEqual({ writer: "w2", offset: 50, length: 5, crc: 9 });
    expect(sheetRef(first, 2, 0, layouts)).toBeNull();
  });

  it("grow, and know the positions", () => {
    expect([...both.ordinals.values]).toEqual([0, 1, 5]);
    expect(valueAt(both.layouts, 1)).toBe("l1");
    expect(valueAt(both.layouts, 2)).toBe("l2");
    expect(valueAt(both.layouts, 3)).toBeNull();
  });

  it("know the largest finite value", () => {
    expect(largest(first.hi)).toBe(4);
    expect(largest(both.hi)).toBe(9);
  });

  it("replace what was held when sent from the start", () => {
    expect(addColumns(both, "activations", "conv1", answer).offset).toEqual([10, 20, 30, 40]);
  });
});

describe("a run that is paused", () => {
  const order = (event: Notice["event"], text: string, fit = 1): Notice => ({
    segment: fit,
    position: null,
    level: "info",
    ...(event !== undefined && { event }),
    method: "control",
    layer: null,
    text,
    remedy: null,
    time: 1,
  });
  const pausedBy = (status: Segment["status"], ...notices: Notice[]) => {
    runIndex.value = merge(null, { ...whole, segments: [segment(1, status)], notices });
    return paused.value;
  };

  it("is marked while it is live, until the next order", () => {
    const stop = order("paused", "nothing is captured");
    expect(pausedBy("live")).toBeNull();
    expect(pausedBy("live", stop, order("error", "goes on"))).toBe(stop);
    expect(pausedBy("live", stop, order(undefined, "goes on"))).toBe(stop);
    expect(pausedBy("live", stop, order("capture_requested", "captures now, as requested"))).toBe(
      stop,
    );
    expect(pausedBy("live", stop, order("resumed", "paused no more"))).toBeNull();
    expect(pausedBy("live", order("paused", "paused", 2))).toBeNull();
    expect(pausedBy("live", order(undefined, "paused: nothing is captured"))).toBeNull();
    expect(pausedBy("finished", stop)).toBeNull();
    expect(pausedBy("lost", stop)).toBeNull();
  });
});

describe("tables", () => {
  it("hold one value per position, undefined if none was logged", () => {
    const first = addScalars(null, {
      source: "store",
      since: 0,
      positions: [
        [0, 1],
        [2, 1],
      ],
      tags: { loss: [1, "NaN"], val_loss: [null, 2] },
    });
    expect(first.tags.get("loss")).toEqual([1, undefined, Number.NaN]);
    expect(first.tags.get("val_loss")).toEqual([undefined, undefined, 2]);
    const next = addScalars(first, {
      source: "store",
      since: 3,
      positions: [[3, 1]],
      tags: { loss: [0.5], lr: [0.1] },
    });
    expect(next.tags.get("loss")).toEqual([1, undefined, Number.NaN, 0.5]);
    expect(next.tags.get("lr")?.[3]).toBe(0.1);
  });

  it("of predictions hold the top classes per position", () => {
    const held = addPredictions(null, {
      since: 0,
      positions: [[1, 2]],
      scale: "probability",
      images: [[[[3, 0.5]], null]],
    });
    expect(held.images).toEqual([[undefined, [{ class: 3, value: 0.5 }], undefined]]);
  });
});
