/** Asks for a table piece by piece as its run grows. */

import type { OrdinalRun } from "../positions";
import { generation } from "./run";

/** How long an answer that may be incomplete is left before it is asked for again. */
export const AGAIN_MS = 10_000;
/** How often this doubles: what does not come will not be asked for six times a minute. */
const DOUBLED = 5;

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
): (name: string, latest: number) => Promise<void> {
  let since = 0;
  let asked = -1;
  let of = -1;
  let due = Number.POSITIVE_INFINITY;
  let tries = 0;
  return async (name, latest) => {
    const born = generation.peek();
    if (born !== of) [of, since, asked, due] = [born, 0, -1, Number.POSITIVE_INFINITY];
    if (latest <= asked && Date.now() < due) return;
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
}
