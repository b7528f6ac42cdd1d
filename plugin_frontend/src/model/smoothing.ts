/**
 * TensorBoard's smoothing: an exponential moving average, divided by the weight that the values
 * seen so far have, so that the first ones are not pulled to zero (`debias` in TensorBoard's
 * `line_chart_v2`/`vz_line_chart2`).
 *
 * Values that are null or not finite are passed on and do not count. A constant series stays as
 * it is, without rounding.
 */
export function smooth(values: readonly (number | null)[], weight: number): (number | null)[] {
  if (weight <= 0) return [...values];
  const finite = values.filter((value) => value !== null && Number.isFinite(value));
  if (finite.every((value) => value === finite[0])) return [...values];
  let last = 0;
  let count = 0;
  return values.map((value) => {
    if (value === null || !Number.isFinite(value)) return value;
    last = last * weight + (1 - weight) * value;
    count += 1;
    return weight < 1 ? last / (1 - weight ** count) : last;
  });
}
