/** Asks for a table piece by piece as its run grows. */

import type { OrdinalRun } from "../positions";
import { generation } from "./run";

/** How long an answer that may be incomplete is left before it is asked for again. */
export const AGAIN_MS = 10_000;
/** How often this doubles: what does not come will not be asked for six times a minute. */
const DOUBLED = 5;

/** Brings what it holds of a run up to date; done when it has answered or failed. */
export type Follow<K> = (run: string, latest: K) => Promise<void>;

/** Shares what is under way: while an answer is on its way the same is not asked again. */
function shared<K>(ask: (run: string, latest: K, born: number) => Promise<void> | null): Follow<K> {
  let under: Promise<void> | null = null;
  let of = -1;
  return (name, latest) => {
    const born = generation.peek();
    if (under !== null && born === of) return under;
    const mine = ask(name, latest, born)?.finally(() => {
      if (under === mine) under = null;
    });
    [under, of] = [mine ?? null, born];
    return mine ?? Promise.resolve();
  };
}

/**
 * Keeps one table up to date; a newer position known to the index makes it ask again.
 *
 * `isWhole`: whether the table, as it is now, will stay so. If not it is asked for from the start:
 * at the next position, or after ten seconds, then twenty, forty ...
 */
export function follower<A extends { positions: OrdinalRun[] }>(
  ask: (run: string, since: number) => Promise<A>,
  add: (answer: A, first: boolean) => void,
  isWhole: () => boolean = () => true,
): Follow<number> {
  let since = 0;
  let asked = -1;
  let of = -1;
  let due = Number.POSITIVE_INFINITY;
  let tries = 0;
  const next = async (name: string, latest: number, born: number) => {
    tries = latest > asked ? 0 : Math.min(tries + 1, DOUBLED);
    const before = asked;
    asked = Math.max(latest, asked);
    due = Number.POSITIVE_INFINITY;
    try {
      const answer = await ask(name, since);
      if (born !== generation.peek()) return;
      add(answer, since === 0);
      if (isWhole()) {
        const [first, count] = answer.positions.at(-1) ?? [since, 0];
        since = Math.max(since, first + count);
      } else {
        since = 0;
        due = Date.now() + AGAIN_MS * 2 ** tries;
      }
    } catch {
      // The poll says that the server is away; the next answer of the index asks again.
      if (born === of) [asked, due] = [before, 0];
    }
  };
  return shared((name, latest, born) => {
    if (born !== of) [of, since, asked, due] = [born, 0, -1, Number.POSITIVE_INFINITY];
    return latest <= asked && Date.now() < due ? null : next(name, latest, born);
  });
}

/** Asks anew when the key is another one; what is answered late is left. */
export function once<A>(
  ask: (run: string) => Promise<A>,
  take: (answer: A) => void,
): Follow<string | number> {
  let held = "";
  const next = async (name: string, key: string, born: number) => {
    try {
      const answer = await ask(name);
      if (born !== generation.peek()) return;
      take(answer);
      held = key;
    } catch {
      // It was not logged yet, or the server is away: asked again at the next answer.
    }
  };
  return shared((name, latest, born) => {
    const key = `${born}:${latest}`;
    return key === held ? null : next(name, key, born);
  });
}

/** One for each key, made when first asked for, and let go when the run is another one. */
export function keyed<T>(make: (key: string) => T): (key: string) => T {
  const held = new Map<string, T>();
  let of = -1;
  return (key) => {
    if (of !== generation.peek()) held.clear();
    of = generation.peek();
    const found = held.get(key) ?? make(key);
    held.set(key, found);
    return found;
  };
}
