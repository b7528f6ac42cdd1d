import { beforeEach, describe, expect, it, vi } from "vitest";
import { nonFiniteStarts } from "../../src/draw/chart";
import type { HealthAnswer, Segment } from "../../src/model/answers";
import { activeAt, addHealth, addNonFinite } from "../../src/model/health";
import type { PositionRun } from "../../src/model/positions";
import type { Notice, NoticeEvent } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { connectCursor } from "../../src/state/cursor";
import {
  adviceNow,
  BASE_QUERY,
  clearHealth,
  connectHealth,
  health,
  healthAt,
  refreshBase,
  refreshQueries,
  SPARKS_QUERY,
  sparks,
  subscribe,
} from "../../src/state/health";
import { coming, healthSkipped, mapped, none } from "../../src/state/heat";
import { healthLayers } from "../../src/state/logged";
import { generation, run, runIndex } from "../../src/state/run";
import { connectSelection } from "../../src/state/selection";

connectCursor();
connectSelection();
connectHealth();

const NAMES = ["dead", "mean", "duplicates"];

const answer = (fields: Partial<HealthAnswer>): HealthAnswer => ({
  since: 0,
  positions: [[0, 1]],
  layers: ["a", "b"],
  channels: [4, 8],
  names: NAMES,
  numbers: {},
  ...fields,
});

describe("layers that are not finite", () => {
  const first = answer({ not_finite: [[2, "a", "infinite"], [3, "a", "NaN"], [3, "b", "NaN"]] }); // biome-ignore format: rows
  const next = answer({ since: 5, not_finite: [[6, "b", null]] });
  const held = addNonFinite(addNonFinite([], first), next);

  it("have a start and an end", () => {
    const at = (ordinal: number) =>
      activeAt(held, ordinal).map((one) => `${one.layer} ${one.text} ${one.ordinal}`);
    expect([at(1), at(2), at(5), at(6)]).toEqual([
      [],
      ["a infinite 2"],
      ["a NaN 3", "b NaN 3"],
      ["a NaN 3"],
    ]);
  });

  it("do not change by an answer without them", () => {
    expect(addNonFinite(held, answer({ since: 9 }))).toEqual(held);
  });

  it("break a line once, at each time that it ceases to be finite", () => {
    const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
    expect(nonFiniteStarts([1, undefined, infinity, nan, undefined, 2, nan])).toEqual([
      [2, infinity],
      [6, nan],
    ]);
    expect(nonFiniteStarts([nan, nan])).toEqual([[0, nan]]);
    expect(nonFiniteStarts([1, 2])).toEqual([]);
  });
});

describe("parts of the health", () => {
  const first = addHealth(null, BASE_QUERY, answer({ numbers: { dead: [[1], [2]] } }));

  it("follow a layer whose index has changed", () => {
    const next = addHealth(
      first,
      BASE_QUERY,
      answer({
        since: 1,
        positions: [[1, 1]],
        layers: ["b", "c", "a"],
        channels: [8, 2, 4],
        numbers: { dead: [[3], [0], [null]] },
      }),
    );
    expect(next.layers).toEqual(["b", "c", "a"]);
    expect(Object.fromEntries(next.numbers.get("dead") ?? [])).toEqual({
      a: [1, undefined],
      b: [2, 3],
      c: [undefined, 0],
    });
  });

  it("of one layer leave the others as they are, and mark it complete", () => {
    const part = { layer: "b" };
    const one = { layers: ["b"], channels: [8], positions: [[0, 2]] as [number, number][] };
    const numbers = { dead: [[2, 3]], duplicates: [["NaN" as const, 5]] };
    const both = addHealth(first, part, answer({ ...one, numbers }));
    expect(both.layers).toEqual(["a", "b"]);
    expect(both.numbers.get("dead")?.get("a")).toEqual([1]);
    expect(both.numbers.get("dead")?.get("b")).toEqual([2, 3]);
    expect(both.numbers.get("duplicates")?.get("b")).toEqual([Number.NaN, 5]);
    expect([...both.complete]).toEqual(["b"]);
    expect(both.names).toEqual(NAMES);
  });

  it("that come late take nothing back", () => {
    const part = { names: "duplicates" };
    const late = answer({
      layers: ["a"],
      channels: [4],
      names: ["dead"],
      numbers: { duplicates: [[3]] },
    });
    const both = addHealth(first, part, late);
    expect([both.layers, both.names]).toEqual([["a", "b"], NAMES]);
    expect(both.channels.get("b")).toBe(8);
    expect(both.numbers.get("dead")).toBe(first.numbers.get("dead"));
  });
});

describe("what is requested for", () => {
  /** The queries of the answered requests, and the server. */
  const requested: Record<string, string>[] = [];
  let count = 0;
  let away = false;
  /** The statistics that the run has. */
  let offers = NAMES;
  const settle = async () => {
    await refreshBase();
    await refreshQueries();
  };
  const grow = (to: number) => {
    count = to;
    const latest = { metrics: null, health: to - 1, predictions: null };
    const known = runIndex.value?.positions.length ?? 0;
    const positions: PositionRun[] = [[1, known, to - known]];
    runIndex.value = merge(runIndex.value, { cursor: `${to}`, now: 0, positions, latest });
  };
  const queries = () => requested.splice(0).map(({ run: _, ...query }) => query);

  beforeEach(() => {
    run.value = "r";
    generation.value += 1;
    clearHealth();
    runIndex.value = null;
    requested.length = 0;
    away = false;
    offers = NAMES;
    vi.stubGlobal("fetch", async (address: string) => {
      const query = Object.fromEntries(new URLSearchParams(address.split("?")[1]));
      requested.push(query);
      if (away) throw new TypeError("no server");
      const [since, end] = [Number(query.since), count];
      const layers = query.layer === undefined ? ["a", "b"] : [query.layer];
      const names = query.names?.split(",").filter((name) => offers.includes(name)) ?? offers;
      const values = Array.from({ length: end - since }, (_, i) => since + i);
      const some = query.points === undefined ? values : values.slice(-1);
      const body = answer({
        since,
        positions: query.points === undefined ? [[since, end - since]] : [[end - 1, 1]],
        layers,
        names: offers,
        channels: layers.map(() => 4),
        numbers: Object.fromEntries(names.map((name) => [name, layers.map(() => some)])),
        ...(!query.layer && !query.points && { advice: [[since, "a", "dead", `from ${since}`]] }),
      });
      return new Response(JSON.stringify(body));
    });
    grow(3);
  });

  it("is little at first, and each part once as the run grows", async () => {
    const stops = [subscribe(SPARKS_QUERY), subscribe(BASE_QUERY), subscribe({ names: "dead" })];
    await settle();
    await settle();
    expect(queries()).toEqual([
      { since: "0", names: "dead" },
      { since: "0", names: "mean", points: "64" },
    ]);
    expect(healthLayers.value).toEqual(["a", "b"]);
    // The points of the sparks are too few to read values from.
    expect(sparks.value.get("a")?.[2]).toBe(2);
    expect(healthAt("a", "mean", 2)).toBeUndefined();
    grow(5);
    await settle();
    expect(queries().map((query) => query.since)).toEqual(["3", "3"]);
    expect(health.value?.numbers.get("dead")?.get("b")).toEqual([0, 1, 2, 3, 4]);
    expect(adviceNow.value.map((one) => one.text)).toEqual(["from 3"]);
    for (const stop of stops) stop();
  });

  it("comes at once when it is subscribed, and is cached afterwards", async () => {
    await settle();
    queries();
    const stop = subscribe({ layer: "b" });
    await vi.waitFor(() => expect(healthAt("b", "duplicates", 2)).toBe(2));
    stop();
    const other = subscribe({ layer: "a" });
    const again = subscribe({ layer: "b" });
    await settle();
    expect(queries()).toEqual([
      { since: "0", layer: "b" },
      { since: "0", layer: "a" },
    ]);
    again();
    grow(4);
    await settle();
    expect(queries()).toEqual([
      { since: "3", names: "dead" },
      { since: "3", layer: "a" },
    ]);
    expect(healthAt("b", "duplicates", 3)).toBe(2);
    other();
  });

  it("is requested again when the server is back, and from the start for a replaced log", async () => {
    const stop = subscribe({ names: "duplicates" });
    await settle();
    queries();
    away = true;
    grow(5);
    await settle();
    expect(queries()).toHaveLength(2);
    away = false;
    await settle();
    await settle();
    expect(queries().map((query) => query.since)).toEqual(["3", "3"]);
    expect(healthAt("b", "duplicates", 4)).toBe(4);
    generation.value += 1;
    clearHealth();
    runIndex.value = null;
    grow(2);
    await settle();
    expect(queries().map((query) => query.since)).toEqual(["0", "0"]);
    expect(health.value?.numbers.get("duplicates")?.get("a")).toEqual([0, 1]);
    stop();
  });

  it("is nothing for the heat map if the run has nothing to draw", async () => {
    expect([none.value, coming.value]).toEqual([false, true]);
    offers = ["mean"];
    await settle();
    expect([none.value, coming.value]).toEqual([true, false]);
    offers = NAMES;
    grow(4);
    await settle();
    expect([none.value, coming.value, mapped.value]).toEqual([false, false, "dead"]);
    clearHealth();
    const latest = { metrics: 3, health: null, predictions: null };
    runIndex.value = merge(null, { cursor: "x", now: 0, latest });
    expect([none.value, coming.value]).toEqual([true, false]);
  });

  it("is explained by the callback if the newest fit has no layer for it", () => {
    const segment = (number: number): Segment => ({
      segment: number,
      writer: `w${number}`,
      status: "live",
      epochs: 3,
      initial_epoch: 0,
      steps: 1,
      started: 0,
      last: 1,
      ended: null,
      reason: null,
      backend: null,
    });
    const notice = (method: string, event: NoticeEvent, text: string): Notice => ({
      segment: 2,
      position: null,
      level: "info",
      event,
      method,
      layer: null,
      text,
      remedy: null,
      time: 1,
    });
    const reason = (segments: number[], ...notices: Notice[]) => {
      const index = { cursor: "n", now: 0, segments: segments.map(segment), notices };
      runIndex.value = merge(null, index);
      return healthSkipped.value;
    };
    const own = notice("LayerHealth", "left_out", "no layer with feature maps");
    expect(reason([1, 2], own)).toBe("no layer with feature maps");
    expect(reason([1, 2, 3], own)).toBeNull();
    expect(reason([1, 2], notice("GradCAM", "left_out", "no layer"))).toBeNull();
    expect(reason([1, 2], notice("LayerHealth", "resumed", "resumed"))).toBeNull();
  });
});
