import { barAt, isNumbered, nounOf } from "../captions";
import { levelValue } from "../color";
import { number, plural } from "../format";
import type { Shown } from "../store/pictures";
import type { Mark } from "../tiles";
import { nameOf, type Point } from "./naming";

/** What is under the pointer. */
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

/** Tiles that say nothing, and those with something wrong, by their names. */
export function Remarks({ marked, shown }: { marked: readonly Mark[]; shown: Shown }) {
  const note = noteOf(shown);
  const { layout, kind } = shown;
  const numbered = isNumbered(layout, kind);
  const noun = numbered ? nounOf(kind, layout) : "tile";
  const pick = (meets: (mark: Mark) => boolean) =>
    marked.flatMap((mark, tile) =>
      meets(mark) ? [numbered ? `${layout.channels?.[tile] ?? tile}` : nameOf(shown, tile)] : [],
    );
  const constant = pick((mark) => mark.constant);
  const broken = pick((mark) => mark.broken > 0);
  const list = (names: readonly string[]) =>
    names.slice(0, 12).join(", ") + (names.length > 12 ? " …" : "");
  if (constant.length + broken.length === 0 && note === null) return null;
  return (
    <p class="remarks" data-testid="remarks">
      {broken.length > 0 && (
        <span class="bad">
          NaN or infinity in {plural(broken.length, noun)} ({list(broken)}).{" "}
        </span>
      )}
      {constant.length > 0 && (
        <span>
          {plural(constant.length, noun)} constant on this picture ({list(constant)}).{" "}
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
