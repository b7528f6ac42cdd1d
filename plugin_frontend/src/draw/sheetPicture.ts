/** (a painted sheet and its captions) => the picture to save. */

import type { Layout } from "../model/records";
import { type Arrangement, shortened } from "./arrange";
import type { MapName, Range } from "./color";
import type { Painted } from "./paint";
import type { Label, Picture } from "./picture";

export interface PaintedSheet {
  shown: { kind: string; layer: string; layout: Layout };
  step: string;
  painted: Painted;
  arrangement: Arrangement;
  captions: readonly string[] | null;
  title: string;
  /** The colors of its values; null for a picture in colors of its own. */
  bar: { range: Range | null; map: MapName } | null;
}

export function sheetPicture(sheet: PaintedSheet): Picture {
  const { shown, step, painted, arrangement, captions, title, bar } = sheet;
  const { grid } = arrangement;
  return {
    images: [{ pixels: painted.pixels, width: grid.width, height: grid.height, text: "" }],
    scale: Math.max(1, Math.ceil(1000 / grid.width)),
    columns: 1,
    pixelated: true,
    title,
    bar,
    kind: shown.kind,
    layer: shown.layer,
    step,
    labels: labelsOf(shown.layout, arrangement, captions),
  };
}

/** The captions and headers of a sheet, in map pixels. */
function labelsOf(
  layout: Layout,
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
