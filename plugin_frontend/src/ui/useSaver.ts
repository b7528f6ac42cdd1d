import { useEffect } from "preact/hooks";
import { type Arrangement, shortened } from "../draw/arrange";
import type { Range } from "../draw/color";
import type { Painted } from "../draw/paint";
import type { Label, Picture } from "../draw/picture";
import { mapName } from "../state/colorScale";
import { note } from "../state/notes";
import type { Shown } from "../state/pictures";
import { run } from "../state/run";
import { setSaver } from "../state/shell";
import { NOT_LOADED } from "./lazily";

/** Set what the save command saves while this view is mounted. */
export function useSaver(make: () => Picture | null): void {
  useEffect(() => {
    setSaver(async () => {
      const picture = make();
      if (picture === null) return;
      const code = await import("../draw/picture").catch(() => null);
      note(code === null ? NOT_LOADED : `Saved ${await code.save(picture)}.`);
    });
  });
  useEffect(() => () => setSaver(null), []);
}

export function usePictureSaver(
  shown: Shown,
  painted: Painted | null,
  arrangement: Arrangement,
  captions: readonly string[] | null,
  range: Range | null,
  caption: string,
): void {
  const { grid } = arrangement;
  useSaver(() =>
    painted === null
      ? null
      : {
          images: [{ pixels: painted.pixels, width: grid.width, height: grid.height, text: "" }],
          scale: Math.max(1, Math.ceil(1000 / grid.width)),
          columns: 1,
          pixelated: true,
          title: `${run.peek() ?? ""} · ${caption}`,
          bar: shown.sheets[0]?.channels === 1 ? { range, map: mapName.peek() } : null,
          name: fileName([shown.kind, shown.layer || "model", `position${shown.ordinal}`]),
          labels: labelsOf(shown, arrangement, captions),
        },
  );
}

/** The captions and headers of a sheet, in map pixels. */
function labelsOf(
  { layout }: Shown,
  { grid, scale, left, caption }: Arrangement,
  captions: readonly string[] | null,
): Label[] {
  const [h, w] = layout.tile;
  const x = (column: number) => column * (w + grid.gap);
  const y = (row: number) => row * (h + grid.lead);
  const under = caption === 0 ? [] : (captions ?? []);
  return [
    ...under.slice(0, layout.tiles).map((text, tile) => ({
      text,
      x: x(tile % grid.columns),
      y: y(Math.floor(tile / grid.columns)) + h,
      width: w,
    })),
    ...shortened(layout.column_titles ?? []).map((text, column) => ({
      text,
      x: x(column),
      y: -1,
      width: w,
    })),
    ...(layout.row_titles ?? []).map((text, row) => ({
      text,
      x: -left / scale,
      y: y(row),
      width: left / scale,
    })),
  ];
}

export function fileName(parts: readonly string[]): string {
  return `${parts.join("-").replace(/[^\w.-]+/g, "_")}.png`;
}
