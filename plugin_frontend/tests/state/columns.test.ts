import { effect } from "@preact/signals";
import { afterEach, expect, it, vi } from "vitest";
import { merge } from "../../src/model/runIndex";
import { columnsOf } from "../../src/state/columns";
import { notes } from "../../src/state/notes";
import { open, runIndex } from "../../src/state/run";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("a list of pictures that failed once is requested again, and the failure is reported", async () => {
  vi.useFakeTimers();
  const list = {
    since: 0,
    images: 1,
    positions: [[0, 1]],
    writers: [["w", 1]],
    layouts: [["l", 1]],
    offset: [1],
    length: [2],
    crc: [3],
    lo: null,
    hi: null,
  };
  let requested = 0;
  vi.stubGlobal("fetch", () => {
    requested += 1;
    return Promise.resolve(
      requested === 1
        ? new Response("the disk is busy", { status: 500 })
        : new Response(JSON.stringify(list)),
    );
  });
  open("a");
  runIndex.value = merge(null, {
    cursor: "a",
    now: 1,
    positions: [[1, 0, 1]],
    series: [
      {
        kind: "activations",
        layer: "conv1",
        layout: "l",
        media: "gray8",
        images: 1,
        count: 1,
        bytes: 1,
        range: [0, 1],
        percentiles: [0, 1],
        positions: [[0, 1]],
      },
    ],
  });
  const lengths: (number | undefined)[] = [];
  const stop = effect(() => {
    lengths.push(columnsOf("activations", "conv1")?.offset.length);
  });
  await vi.advanceTimersByTimeAsync(1000);
  expect(requested).toBe(1);
  expect(notes.value.map((shown) => shown.text).join()).toContain("pictures of conv1");
  await vi.advanceTimersByTimeAsync(5000);
  expect(requested).toBe(2);
  expect(lengths.at(-1)).toBe(1);
  stop();
});
