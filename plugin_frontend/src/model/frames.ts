/** Which frames a film strip shows. */

/**
 * At most about `room` of `count` records: all, or every second, fourth, eighth ... and the last.
 * The steps are powers of two so that a growing run keeps most of the frames it has.
 */
export function pickFrames(count: number, room: number): { records: number[]; stride: number } {
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
