/** Many positions on few pixels. */

/** Return for each position the last one at or before it that has a value; -1 if none has. */
export function lastSnapshots(values: readonly (number | undefined)[], length: number): number[] {
  const out = new Array<number>(length);
  let last = -1;
  for (let i = 0; i < length; i++) {
    if (values[i] !== undefined) last = i;
    out[i] = last;
  }
  return out;
}

/** Carry each value forward to the positions after it that have none. */
export const carriedForward = (
  values: readonly (number | undefined)[],
  length: number,
  snapshots: readonly number[] = lastSnapshots(values, length),
): number[] => snapshots.map((snapshot) => values[snapshot] ?? Number.NaN);

/** Return the largest of the values that share a bin; NaN if none is a number. */
export function maxima(values: readonly number[], bins: number): number[] {
  const out = new Array<number>(bins).fill(Number.NaN);
  values.forEach((value, i) => {
    const bin = Math.floor((i * bins) / values.length);
    const held = out[bin] ?? Number.NaN;
    if (!(value <= held) && !Number.isNaN(value)) out[bin] = value;
  });
  return out;
}

/** Reduce a line to at most `bins` points, each a mean, as [0..1 along the axis, value]. */
export function downsampled(
  values: readonly (number | undefined)[],
  length: number,
  bins: number,
): [number, number][] {
  const out: [number, number][] = [];
  const last = Math.max(length - 1, 1);
  const size = Math.max(1, Math.ceil(length / bins));
  for (let from = 0; from < length; from += size) {
    let [sum, ordinals, count] = [0, 0, 0];
    for (let i = from; i < Math.min(from + size, length); i++) {
      const value = values[i];
      if (value === undefined || !Number.isFinite(value)) continue;
      sum += value;
      ordinals += i;
      count += 1;
    }
    if (count > 0) out.push([ordinals / count / last, sum / count]);
  }
  return out;
}

/** An SVG polyline's points for such a line in a box; empty where there is no line. */
export function polyline(
  points: readonly [number, number][],
  width: number,
  height: number,
): string {
  if (points.length < 2) return "";
  const values = points.map(([, value]) => value);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const extent = high - low || 1;
  return points
    .map(([x, y]) => {
      const up = high === low ? 0.5 : (y - low) / extent;
      return `${(x * width).toFixed(1)},${(height - up * height).toFixed(1)}`;
    })
    .join(" ");
}
