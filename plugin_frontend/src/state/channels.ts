/** The numbers of all channels of the open layer at the cursor. */

import { computed, effect, signal } from "@preact/signals";
import type { Stop } from "../host/stops";
import type { ChannelsAnswer } from "../model/answers";
import { getChannels } from "../net/api";
import { cursor } from "./cursor";
import { healthLayers } from "./logged";
import { attempt, generation, run } from "./run";
import { content, path as shownPath } from "./selection";

/** The layer of the selected channel; in the overview each column has its own. */
const measured = computed(() =>
  content.value?.is === "channel" ? content.value.layer : shownPath.value,
);

/** Null until the numbers of this layer, of the run as it is now, are here. */
export const channelTable = signal<{ layer: string; answer: ChannelsAnswer } | null>(null);

/** Long enough that scrubbing does not request at every position. */
const REST_MS = 60;

let controller: AbortController | null = null;
/** Run, generation and layer of the table. */
let tableKey = "";
let timer: ReturnType<typeof setTimeout> | undefined;

function requestChannels(): void {
  const [name, path, at] = [run.value, measured.value, cursor.value];
  const key = `${name}\n${generation.value}\n${path}`;
  void attempt.value;
  controller?.abort();
  clearTimeout(timer);
  const measurable =
    name !== null && path !== null && at >= 0 && healthLayers.value?.includes(path) === true;
  if (!measurable || key !== tableKey) channelTable.value = null;
  tableKey = key;
  if (!measurable) return;
  const mine = new AbortController();
  controller = mine;
  timer = setTimeout(() => {
    getChannels(name, path, at, mine.signal).then(
      (answer) => {
        if (!mine.signal.aborted) channelTable.value = { layer: path, answer };
      },
      () => {
        if (!mine.signal.aborted) channelTable.value = null;
      },
    );
  }, REST_MS);
}

export function connectChannels(): Stop {
  const stop = effect(requestChannels);
  return () => {
    stop();
    controller?.abort();
    clearTimeout(timer);
  };
}
