/** The geometry of a line chart over positions: ends, ticks, unbroken runs of a line. */

export interface Ends {
  low: number;
  high: number;
}

/** Return the minimum and maximum of all finite values with a margin; 0 to 1 if there is none. */
export function ends(lines: readonly (readonly (number | undefined)[])[]): Ends {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const values of lines) {
    for (const value of values) {
      if (value === undefined || !Number.isFinite(value)) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return { low: 0, high: 1 };
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.1 || 0.5;
  return { low: low >= 0 && low < margin ? low : low - margin, high: high + margin };
}

/** Return round numbers (1, 2 or 5 times a power of ten) between two ends, at most `room` of them. */
export function roundTicks({ low, high }: Ends, room: number): number[] {
  const minimum = (high - low) / Math.max(room, 1);
  if (!(minimum > 0)) return [];
  const power = 10 ** Math.floor(Math.log10(minimum));
  const step =
    [1, 2, 5, 10].map((times) => times * power).find((size) => size >= minimum) ?? minimum;
  const ticks: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) ticks.push(i * step);
  return ticks;
}

/** Return ordinals to label, at most `room`, at round distances. */
export function ordinalTicks(count: number, room: number): number[] {
  const minimum = Math.max(1, count / Math.max(room, 1));
  const power = 10 ** Math.floor(Math.log10(minimum));
  const step =
    [1, 2, 5, 10].map((times) => times * power).find((size) => size >= minimum) ?? minimum;
  return Array.from({ length: Math.ceil(count / step) }, (_, i) => i * step);
}

/** Return where a line stops being finite: the ordinals and the values there. */
export function nonFiniteStarts(values: readonly (number | undefined)[]): [number, number][] {
  const out: [number, number][] = [];
  let finiteBefore = true;
  values.forEach((value, ordinal) => {
    if (value === undefined) return;
    const finite = Number.isFinite(value);
    if (finiteBefore && !finite) out.push([ordinal, value]);
    finiteBefore = finite;
  });
  return out;
}

/**
 * Return the unbroken runs of a line as [ordinal, value]. Positions without a value are skipped;
 * a value that is not finite breaks the line, so that a diverged loss is visible.
 */
export function runsOf(values: readonly (number | undefined)[]): [number, number][][] {
  const out: [number, number][][] = [];
  let run: [number, number][] = [];
  values.forEach((value, ordinal) => {
    if (value === undefined) return;
    if (Number.isFinite(value)) {
      if (run.length === 0) out.push(run);
      run.push([ordinal, value]);
    } else run = [];
  });
  return out;
}
