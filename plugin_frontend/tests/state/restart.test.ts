import { beforeAll, describe, expect, it, vi } from "vitest";
import type { Probe } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { pollNow, switchRun } from "../../src/state/poll";
import { predictionHistory } from "../../src/state/predictionHistory";
import { run, runIndex, runs } from "../../src/state/run";
import { predictions } from "../../src/state/tables";
import { predictionAt } from "../../src/state/verdict";

/** What the server knows: names of runs, the newest last. */
let known: string[] = [];

beforeAll(() => {
  vi.stubGlobal("fetch", async (address: string) => {
    const [route, query] = address.split("?");
    const name = new URLSearchParams(query).get("run") ?? "";
    if (route === "./runs") {
      const list = known.map((one, i) => ({ run: one, positions: 1, bytes: 1, last: i }));
      return new Response(JSON.stringify({ runs: list, now: 1, version: "", logdir: "" }));
    }
    if (route === "./index" && known.includes(name)) {
      return new Response(JSON.stringify({ cursor: name, now: 1, positions: [[1, 0, 3]] }));
    }
    return new Response(JSON.stringify({ error: "received what is not there" }), { status: 404 });
  });
});

describe("a server that is started again", () => {
  it("has the run that was open, though it is not the newest", async () => {
    known = ["mine", "newest"];
    pollNow(true);
    await vi.waitFor(() => expect(run.value).toBe("newest"));
    switchRun("mine");
    await vi.waitFor(() => expect(runIndex.value?.cursor).toBe("mine"));
    // It has not found any yet.
    known = [];
    pollNow(true);
    await vi.waitFor(() => expect([run.value, runs.value]).toEqual([null, []]));
    known = ["mine", "newest"];
    pollNow(true);
    await vi.waitFor(() => expect(run.value).toBe("mine"));
  });
});

describe("the predictions for an image", () => {
  const probe = (segment: number, ...sums: number[]): Probe => ({
    segment,
    writer: `w${segment}`,
    size: [1, 1],
    range: [0, 1],
    images: sums.map((sum) => ({ name: `${sum}`, label: null, class: null })),
    class_names: null,
    sheets: sums.map((sum, i) => [i, 7, sum]),
  });

  it("are of the same photograph in every fit, or are missing", () => {
    runIndex.value = merge(null, {
      cursor: "p",
      now: 1,
      positions: [
        [1, 0, 2],
        [2, 2, 2],
      ],
      probes: [probe(1, 5, 6), probe(2, 5, 9)],
    });
    const scores = (value: number) => [{ class: 0, value }];
    const one = [scores(0.1), scores(0.2), undefined, scores(0.4)];
    predictions.value = { scale: "probability", images: [one, one] };
    expect(predictionAt(0, 2)).toEqual(scores(0.2));
    expect(predictionAt(1, 2)).toBeUndefined();
    expect(predictionAt(1, 3)).toEqual(scores(0.4));
    expect(predictionHistory(0, 3)).toEqual(one);
    expect(predictionHistory(1, 3)).toEqual([undefined, undefined, undefined, scores(0.4)]);
    expect(predictionHistory(1, 0)).toEqual([scores(0.1), scores(0.2), undefined, undefined]);
  });
});
