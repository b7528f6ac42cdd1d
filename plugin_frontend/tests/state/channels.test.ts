import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { merge } from "../../src/model/runIndex";
import { channelTable, connectChannels } from "../../src/state/channels";
import { connectCursor } from "../../src/state/cursor";
import { layer } from "../../src/state/layer";
import { healthLayers } from "../../src/state/logged";
import { generation, open, runIndex } from "../../src/state/run";

connectCursor();
connectChannels();

const table = (dead: number) => ({ channels: 1, columns: { mean: [dead] } });

/** Open a run of three positions in which `conv1` is measured. */
function begin(name: string): void {
  open(name);
  healthLayers.value = ["conv1"];
  runIndex.value = merge(null, { cursor: name, now: 1, positions: [[1, 0, 3]] });
  layer.value = "conv1";
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the numbers of the channels", () => {
  const answers = (value: number) =>
    vi.stubGlobal("fetch", () => Promise.resolve(new Response(JSON.stringify(table(value)))));

  it("are there after a rest, and go with the run, its log and the layer", async () => {
    answers(1);
    begin("a");
    await vi.advanceTimersByTimeAsync(100);
    expect(channelTable.value?.answer).toEqual(table(1));

    answers(2);
    begin("b");
    expect(channelTable.value).toBeNull();
    await vi.advanceTimersByTimeAsync(100);
    expect(channelTable.value?.answer).toEqual(table(2));

    generation.value += 1;
    expect(channelTable.value).toBeNull();
    await vi.advanceTimersByTimeAsync(100);
    expect(channelTable.value).not.toBeNull();

    layer.value = "flatten";
    expect(channelTable.value).toBeNull();
  });
});
