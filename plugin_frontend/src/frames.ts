/** Which frames a film strip shows, and where to get them in few requests. */

/**
 * At most about `room` of `count` records: all, or every second, fourth, eighth ... and the last.
 * The steps are powers of two so that a growing run keeps most of the frames it has.
 */
export function picks(count: number, room: number): { records: number[]; stride: number } {
  let stride = 1;
  while (Math.ceil(count / stride) > room) stride *= 2;
  const records: number[] = [];
  for (let record = 0; record < count; record += stride) records.push(record);
  if (count > 0 && records.at(-1) !== count - 1) {
    if (records.length >= room) records.pop();
    records.push(count - 1);
  }
  return { records, stride };
}

/**
 * Records in a row as [first, last], in order: at most `longest` of them, over fewer than
 * `widest` positions, which is what the server cuts a strip of.
 */
export function spans(
  records: readonly number[],
  longest: number,
  ordinal: (record: number) => number,
  widest: number,
): [number, number][] {
  const out: [number, number][] = [];
  for (const record of records) {
    const last = out.at(-1);
    if (
      last !== undefined &&
      record === last[1] + 1 &&
      record - last[0] < longest &&
      ordinal(record) - ordinal(last[0]) < widest
    ) {
      last[1] = record;
    } else out.push([record, record]);
  }
  return out;
}
