/** Where the sheets of a series are; fetched when a series is first shown, then as it grows. */

import { signal } from "@preact/signals";
import { addColumns, type Columns } from "../model/columns";
import { seriesKey } from "../model/runIndex";
import { getSeries } from "../net/api";
import { note } from "./notes";
import { trouble } from "./poll";
import { attempt, generation, run, seriesOf } from "./run";

const held = signal<ReadonlyMap<string, Columns>>(new Map());
const requesting = new Set<string>();
/** Counts what is due to be requested again though the server never was away. */
const again = signal(0);
let timer: ReturnType<typeof setTimeout> | undefined;

const AGAIN_MS = 5000;
let heldGeneration = -1;

/** Return the columns of a series as far as they are loaded; request the rest. */
export function columnsOf(kind: string, layer: string): Columns | null {
  const series = seriesOf(kind, layer);
  const currentGeneration = generation.value;
  const map = held.value;
  void attempt.value;
  void again.value;
  if (series === null) return null;
  const columns =
    heldGeneration === currentGeneration ? map.get(seriesKey(kind, layer)) : undefined;
  if (columns === undefined || columns.ordinals.length < series.count) {
    void requestColumns(kind, layer, columns?.ordinals.length ?? 0, currentGeneration);
  }
  return columns ?? null;
}

async function requestColumns(
  kind: string,
  layer: string,
  since: number,
  startGeneration: number,
): Promise<void> {
  const name = run.peek();
  const key = `${startGeneration}\n${seriesKey(kind, layer)}`;
  if (name === null || requesting.has(key)) return;
  requesting.add(key);
  try {
    const answer = await getSeries(name, kind, layer, since);
    if (startGeneration !== generation.peek()) return;
    // An answer without news must not wake those who wait, or they request again at once.
    if (since > 0 && answer.positions.length === 0) return;
    const old = heldGeneration === startGeneration ? held.peek() : new Map<string, Columns>();
    heldGeneration = startGeneration;
    const plain = seriesKey(kind, layer);
    held.value = new Map(old).set(plain, addColumns(old.get(plain), kind, layer, answer));
  } catch (error) {
    if (startGeneration !== generation.peek()) return;
    // If the server is away, the poll shows it.
    if (trouble.peek() === null) {
      const text = error instanceof Error ? error.message : String(error);
      note(
        `The pictures of ${layer || "the model"} cannot be listed: ${text}. Trying again in 5 s.`,
      );
    }
    clearTimeout(timer);
    timer = setTimeout(() => {
      again.value += 1;
    }, AGAIN_MS);
  } finally {
    requesting.delete(key);
  }
}
