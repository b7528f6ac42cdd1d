import { levelValue } from "../draw/color";
import type { Mark } from "../draw/tiles";
import { barAt, isNumbered, nounOf } from "../model/captions";
import { number, plural } from "../model/format";
import { nameOf, type Point } from "../state/naming";
import type { Shown } from "../state/watch";

/** The value under the pointer. */
export function Readout({ point, shown }: { point: Point | null; shown: Shown }) {
  const sheet = shown.sheets[0];
  if (point === null || sheet === undefined) return <span class="readout" data-testid="readout" />;
  const { tile, x, y } = point;
  const [h, w] = shown.layout.tile;
  const left = (tile % shown.layout.columns) * w + x;
  const top = Math.floor(tile / shown.layout.columns) * h + y;
  const level = sheet.pixels[top * sheet.width + left] ?? 0;
  const [lo, hi] = [sheet.ranges?.[2 * tile], sheet.ranges?.[2 * tile + 1]];
  const bar = barAt(shown.layout, x);
  return (
    <span class="readout" data-testid="readout">
      <b>{bar === null ? nameOf(shown, tile) : `channel ${bar}`}</b>
      {lo !== undefined && hi !== undefined && (
        <>
          {" "}
          · <b>{number(levelValue(level, lo, hi))}</b> at {x}, {y} · {number(lo)} to {number(hi)}
        </>
      )}
    </span>
  );
}

/** The names of flat tiles, and of tiles with NaN or infinity. */
export function Remarks({ marked, shown }: { marked: readonly Mark[]; shown: Shown }) {
  const note = noteOf(shown);
  const { layout, kind } = shown;
  const numbered = isNumbered(layout, kind);
  const noun = numbered ? nounOf(kind, layout) : "tile";
  const pick = (meets: (mark: Mark) => boolean) =>
    marked.flatMap((mark, tile) =>
      meets(mark) ? [numbered ? `${layout.channels?.[tile] ?? tile}` : nameOf(shown, tile)] : [],
    );
  const flat = pick((mark) => mark.constant);
  const where = layout.images > 0 ? " on this image" : "";
  const nonFinite = pick((mark) => mark.nonFinite > 0);
  const list = (names: readonly string[]) =>
    names.slice(0, 12).join(", ") + (names.length > 12 ? " …" : "");
  if (flat.length + nonFinite.length === 0 && note === null) return null;
  return (
    <p class="remarks" data-testid="remarks">
      {nonFinite.length > 0 && (
        <span class="bad">
          NaN or infinity in {plural(nonFinite.length, noun)} ({list(nonFinite)}).{" "}
        </span>
      )}
      {flat.length > 0 && (
        <span>
          {plural(flat.length, noun)} {flat.length === 1 ? "is" : "are"} flat{where} ({list(flat)}).{" "}
        </span>
      )}
      {note}
    </p>
  );
}

function noteOf(shown: Shown): string | null {
  const text = shown.sheets[0]?.text;
  const note = typeof text === "object" && text !== null && !Array.isArray(text) ? text.note : null;
  return typeof note === "string" ? note : null;
}
