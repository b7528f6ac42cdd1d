/** The numbers of all channels of the open layer at the cursor. */

import { effect, signal } from "@preact/signals";
import { type ChannelsAnswer, getChannels } from "../api";
import { cursor } from "./cursor";
import { attempt, generation, run } from "./run";
import { healthLayers, layer } from "./selection";

export const channelTable = signal<{ layer: string; answer: ChannelsAnswer } | null>(null);

/** Long enough that scrubbing does not ask at every position. */
const REST_MS = 60;

let controller: AbortController | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;

effect(() => {
  const [name, path, at] = [run.value, layer.value, cursor.value];
  void generation.value;
  void attempt.value;
  controller?.abort();
  clearTimeout(timer);
  if (name === null || path === null || at < 0 || !healthLayers.value.includes(path)) return;
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
});
