import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Segment } from "../../src/model/answers";
import { merge } from "../../src/model/runIndex";
import { AGAIN_MS, follower } from "../../src/state/follower";
import { clock, generation } from "../../src/state/run";
import { scalarsAreComplete } from "../../src/state/tables";

beforeEach(() => {
  vi.useFakeTimers();
  generation.value += 1;
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a follower", () => {
  const requested: number[] = [];
  const firsts: boolean[] = [];
  let whole = true;
  let count = 0;
  const follow = follower(
    async (_run: string, since: number) => {
      requested.push(since);
      if (count < 0) throw new Error("the server is away");
      return { positions: count > since ? [[since, count - since] as [number, number]] : [] };
    },
    (_answer, first) => firsts.push(first),
    () => whole,
  );
  beforeEach(() => {
    requested.length = 0;
    firsts.length = 0;
  });

  it("requests what is new, once", async () => {
    [whole, count] = [true, 3];
    await follow("a", 2);
    await follow("a", 2);
    count = 5;
    await follow("a", 4);
    vi.advanceTimersByTime(10 * AGAIN_MS);
    await follow("a", 4);
    expect(requested).toEqual([0, 3]);
    expect(firsts).toEqual([true, false]);
  });

  it("requests an incomplete answer again from the start, after a while", async () => {
    [whole, count] = [false, 3];
    await follow("a", 2);
    await follow("a", 2);
    expect(requested).toEqual([0]);
    vi.advanceTimersByTime(AGAIN_MS);
    whole = true;
    await follow("a", 2);
    vi.advanceTimersByTime(AGAIN_MS);
    await follow("a", 2);
    expect(requested).toEqual([0, 0]);
    expect(firsts).toEqual([true, true]);
  });

  it("requests a missing answer less and less often, until there is a new position", async () => {
    [whole, count] = [false, 3];
    const until = async (latest: number, times: number) => {
      for (let i = 0; i < times; i++) {
        vi.advanceTimersByTime(AGAIN_MS);
        await follow("a", latest);
      }
      return requested.length;
    };
    await follow("a", 2);
    expect(await until(2, 1)).toBe(2);
    expect(await until(2, 2)).toBe(3);
    expect(await until(2, 4)).toBe(4);
    expect(await until(2, 360)).toBeLessThan(20);
    const before = await until(3, 1);
    expect(await until(3, 1)).toBe(before + 1);
  });

  it("does not send two requests at a time", async () => {
    [whole, count] = [true, 3];
    await Promise.all([follow("a", 2), follow("a", 2), follow("a", 4)]);
    expect(requested).toEqual([0]);
    await follow("a", 4);
    expect(requested).toEqual([0, 3]);
  });

  it("drops an answer that arrives after the run has changed", async () => {
    [whole, count] = [true, 3];
    const late = follow("a", 2);
    generation.value += 1;
    await Promise.all([late, follow("b", 2)]);
    expect(requested).toEqual([0, 0]);
    expect(firsts).toEqual([true]);
  });

  it("requests again after a failure", async () => {
    [whole, count] = [true, -1];
    await follow("a", 2);
    count = 3;
    await follow("a", 2);
    await follow("a", 2);
    expect(requested).toEqual([0, 0]);
    expect(firsts).toEqual([true]);
  });
});

describe("scalars of TensorBoard", () => {
  const segment = (status: Segment["status"], ended: number | null): Segment => ({
    segment: 1,
    writer: "w",
    status,
    epochs: 3,
    initial_epoch: 0,
    steps: 1,
    started: 0,
    last: 1000,
    ended,
    reason: null,
    backend: null,
  });
  const now = (status: Segment["status"], ended: number | null = null) =>
    merge(null, {
      cursor: "a",
      now: 1,
      segments: [segment(status, ended)],
      positions: [
        [1, 0, 2],
        [1, 1, 1, null, true],
      ],
    });
  const scalars = (tags: Record<string, (number | undefined)[]>) => ({
    source: "tensorboard" as const,
    tags: new Map(Object.entries(tags)),
  });

  beforeEach(() => {
    clock.value = { server: 1000, here: Date.now() };
  });

  it("are complete when the last end of an epoch has all that the one before has", () => {
    const whole = (tags: Record<string, (number | undefined)[]>) =>
      scalarsAreComplete(scalars(tags), now("live"));
    expect(whole({})).toBe(false);
    expect(whole({ loss: [1] })).toBe(false);
    expect(whole({ loss: [1, 2] })).toBe(true);
    expect(whole({ loss: [1, 2], val_loss: [1] })).toBe(false);
    expect(whole({ loss: [1, 2], val_loss: [undefined, 1] })).toBe(true);
  });

  it("are complete when the run ended long ago", () => {
    expect(scalarsAreComplete(scalars({}), now("finished", 990))).toBe(false);
    expect(scalarsAreComplete(scalars({}), now("finished", 900))).toBe(true);
  });

  it("are complete if they are the store's own", () => {
    const own = { ...scalars({ loss: [1] }), source: "store" as const };
    expect(scalarsAreComplete(own, now("live"))).toBe(true);
  });
});
