/** Requests a table piece by piece as its run grows. */

import type { OrdinalRun } from "../model/positions";
import { generation } from "./run";

/** Wait this long before an answer that may be incomplete is requested again. */
export const AGAIN_MS = 10_000;
/** How often this doubles, so that a missing answer is not requested six times a minute. */
const DOUBLED = 5;

/** Bring the table of a run up to date; done when the request has succeeded or failed. */
export type Follow<K> = (run: string, latest: K) => Promise<void>;

/** Share a running request: the same is not requested again while it runs. */
function shared<K>(
  request: (run: string, latest: K, startGeneration: number) => Promise<void> | null,
): Follow<K> {
  let running: Promise<void> | null = null;
  let runningGeneration = -1;
  return (name, latest) => {
    const startGeneration = generation.peek();
    if (running !== null && startGeneration === runningGeneration) return running;
    const mine = request(name, latest, startGeneration)?.finally(() => {
      if (running === mine) running = null;
    });
    [running, runningGeneration] = [mine ?? null, startGeneration];
    return mine ?? Promise.resolve();
  };
}

/**
 * Keep one table up to date; a newer position in the index requests more.
 *
 * `isWhole`: whether the table is complete as it is. If not it is requested from the start:
 * at the next position, or after ten seconds, then twenty, forty ...
 */
export function follower<A extends { positions: OrdinalRun[] }>(
  request: (run: string, since: number) => Promise<A>,
  add: (answer: A, first: boolean) => void,
  isWhole: () => boolean = () => true,
): Follow<number> {
  let since = 0;
  let requested = -1;
  let heldGeneration = -1;
  let due = Number.POSITIVE_INFINITY;
  let tries = 0;
  const next = async (name: string, latest: number, startGeneration: number) => {
    tries = latest > requested ? 0 : Math.min(tries + 1, DOUBLED);
    const before = requested;
    requested = Math.max(latest, requested);
    due = Number.POSITIVE_INFINITY;
    try {
      const answer = await request(name, since);
      if (startGeneration !== generation.peek()) return;
      add(answer, since === 0);
      if (isWhole()) {
        const [first, count] = answer.positions.at(-1) ?? [since, 0];
        since = Math.max(since, first + count);
      } else {
        since = 0;
        due = Date.now() + AGAIN_MS * 2 ** tries;
      }
    } catch {
      // The poll shows that the server is away; the next index requests it again.
      if (startGeneration === heldGeneration) [requested, due] = [before, 0];
    }
  };
  return shared((name, latest, startGeneration) => {
    if (startGeneration !== heldGeneration) {
      [heldGeneration, since, requested, due] = [startGeneration, 0, -1, Number.POSITIVE_INFINITY];
    }
    return latest <= requested && Date.now() < due ? null : next(name, latest, startGeneration);
  });
}

/** Request a table once per key; an answer that is late is dropped. */
export function once<A>(
  request: (run: string) => Promise<A>,
  take: (answer: A) => void,
): Follow<string | number> {
  let held = "";
  const next = async (name: string, key: string, startGeneration: number) => {
    try {
      const answer = await request(name);
      if (startGeneration !== generation.peek()) return;
      take(answer);
      held = key;
    } catch {
      // It was not logged yet, or the server is away: requested again at the next answer.
    }
  };
  return shared((name, latest, startGeneration) => {
    const key = `${startGeneration}:${latest}`;
    return key === held ? null : next(name, key, startGeneration);
  });
}

/** Return one value per key, made at first use, and dropped when another run is opened. */
export function keyed<T>(make: (key: string) => T): (key: string) => T {
  const held = new Map<string, T>();
  let heldGeneration = -1;
  return (key) => {
    if (heldGeneration !== generation.peek()) held.clear();
    heldGeneration = generation.peek();
    const found = held.get(key) ?? make(key);
    held.set(key, found);
    return found;
  };
}
