/** What a model said of an image over the run: its lines, and when it changed its mind. */

export interface Guess {
  class: number;
  value: number;
}

/** One list of the strongest classes a position; undefined where none was logged. */
export type Said = readonly (readonly Guess[] | undefined)[];

export interface Change {
  ordinal: number;
  from: number;
  to: number;
}

/** The strongest class; null where its value is not finite, as of a net with NaN in its weights. */
export function strongest(guesses: readonly Guess[] | undefined): number | null {
  const top = guesses?.[0];
  return top !== undefined && Number.isFinite(top.value) ? top.class : null;
}

/** Where the strongest class is another one than at the prediction before. */
export function changes(said: Said): Change[] {
  const out: Change[] = [];
  let before: number | null = null;
  said.forEach((guesses, ordinal) => {
    const top = strongest(guesses);
    if (top === null) return;
    if (before !== null && top !== before) out.push({ ordinal, from: before, to: top });
    before = top;
  });
  return out;
}

/**
 * The classes worth a line, at most `room`: the true one, those that were the strongest once (the
 * longest first), then those that came nearest to it.
 */
export function worthALine(said: Said, truth: number | null, room: number): number[] {
  const times = new Map<number, number>();
  const most = new Map<number, number>();
  for (const guesses of said) {
    guesses?.forEach(({ class: index, value }, rank) => {
      if (rank === 0 && Number.isFinite(value)) times.set(index, (times.get(index) ?? 0) + 1);
      if (Number.isFinite(value)) most.set(index, Math.max(most.get(index) ?? value, value));
    });
  }
  const rank = (index: number) => (index === truth ? Number.POSITIVE_INFINITY : times.get(index));
  const all = new Set([...(truth === null || most.size === 0 ? [] : [truth]), ...most.keys()]);
  return [...all]
    .sort((a, b) => {
      const [x, y] = [rank(a) ?? 0, rank(b) ?? 0];
      return x === y ? (most.get(b) ?? 0) - (most.get(a) ?? 0) : y - x;
    })
    .slice(0, room);
}

/**
 * The values of a class: undefined where nothing was logged, NaN (which breaks a line) where the
 * class was not among those that were.
 */
export function lineOf(said: Said, index: number): (number | undefined)[] {
  return said.map((guesses) =>
    guesses === undefined
      ? undefined
      : (guesses.find((guess) => guess.class === index)?.value ?? Number.NaN),
  );
}

/** Share of the predictions whose strongest class is the true one; null where none was logged. */
export function rightShare(said: Said, truth: number | null): number | null {
  const tops = said.flatMap((guesses) => (guesses?.[0] === undefined ? [] : strongest(guesses)));
  if (truth === null || tops.length === 0) return null;
  return tops.filter((top) => top === truth).length / tops.length;
}

const COLORS = 8;

/**
 * Names of the colors of some classes: a class has the same one with every image, unless a class
 * before it in the list has it already.
 */
export function colorsOf(classes: readonly number[]): Map<number, string> {
  const taken = new Set<number>();
  return new Map(
    classes.map((index) => {
      let color = index % COLORS;
      while (taken.has(color) && taken.size < COLORS) color = (color + 1) % COLORS;
      taken.add(color);
      return [index, `--class-${color}`];
    }),
  );
}
