/** (cards with pictures, room on the screen) => columns, and the width of a picture. */

/** Height of the name over and the captions under the pictures, in CSS pixels. */
const CAPTION = 58;

const GAP = { row: 10, column: 26 };

/** Return the width of a picture in a grid of so many columns and rows of cards. */
function sideOf(
  columns: number,
  rows: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): number {
  return Math.min(
    ((width + GAP.column) / columns - GAP.column - 4 * (pictures - 1)) / pictures,
    ((height + GAP.row) / rows - GAP.row - CAPTION) * aspect,
  );
}

/** Minimum width of pictures that fit without scrolling, and their width in a scrolling view. */
const MIN_SIDE = 64;

const SCROLLED_SIDE = 84;

/** Return the number of columns that makes the pictures largest, and their width. */
export function cards(
  count: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): { columns: number; side: number } {
  let [best, largest] = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const side = sideOf(columns, rows, pictures, aspect, width, height);
    if (side > largest) [best, largest] = [columns, side];
  }
  if (largest >= MIN_SIDE) return { columns: best, side: largest };
  const card = SCROLLED_SIDE * pictures + 4 * (pictures - 1) + GAP.column;
  const columns = Math.min(Math.max(1, Math.floor((width + GAP.column) / card)), count);
  const free = sideOf(columns, 1, pictures, aspect, width, Number.POSITIVE_INFINITY);
  return { columns, side: Math.max(48, Math.min(free, SCROLLED_SIDE)) };
}
