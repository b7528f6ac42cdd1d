/** The text around the tiles of a saved picture, and the name of its file. */

import type { Layout } from "../model/records";
import { type Arrangement, shortened } from "./arrange";
import type { Label } from "./picture";

/** The captions and headers of a sheet, in map pixels. */
export function labelsOf(
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

export function fileName(parts: readonly string[]): string {
  return `${parts.join("-").replace(/[^\w.-]+/g, "_")}.png`;
}
