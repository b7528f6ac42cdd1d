/** The overlay of a sheet: lines between small tiles, marks, channel numbers, outlines. */

import type { Size } from "./size";
import type { Grid, Mark } from "./tiles";

interface Over {
  grid: Grid;
  tile: readonly [number, number];
  tiles: number;
  /** CSS pixels a map pixel. */
  scale: number;
  size: Size;
  marked: readonly Mark[];
  /** Channel numbers to write on the tiles; empty for none. */
  numbers: readonly string[];
  selected: number;
  hovered: number;
}

export function drawMarks(canvas: HTMLCanvasElement, over: Over): void {
  const ratio = devicePixelRatio;
  canvas.width = Math.round(over.size.width * ratio);
  canvas.height = Math.round(over.size.height * ratio);
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(ratio, ratio);
  const styles = getComputedStyle(document.documentElement);
  const css = (name: string) => styles.getPropertyValue(name);
  const boxOf = (tile: number): [number, number, number, number] => {
    const [h, w] = over.tile;
    const column = tile % over.grid.columns;
    const row = Math.floor(tile / over.grid.columns);
    return [
      column * (w + over.grid.gap) * over.scale,
      row * (h + over.grid.lead) * over.scale,
      w * over.scale,
      h * over.scale,
    ];
  };

  if (over.grid.gap === 0) {
    context.strokeStyle = css("--bg");
    // Between tiles of few pixels a line must differ from the edge of a pixel.
    context.lineWidth = Math.min(5, Math.max(1, Math.round((over.tile[1] * over.scale) / 16)));
    for (let tile = 0; tile < over.tiles; tile++) {
      const [x, y, width, height] = boxOf(tile);
      context.strokeRect(Math.round(x) - 0.5, Math.round(y) - 0.5, width, height);
    }
  }
  over.marked.forEach((mark, tile) => {
    if (mark.nonFinite > 0) corner(context, boxOf(tile), css("--bad"));
    else if (mark.constant) corner(context, boxOf(tile), css("--mute"));
  });
  for (const [tile, text] of over.numbers.entries()) write(context, boxOf(tile), text);
  if (over.hovered >= 0) outline(context, boxOf(over.hovered), css("--text"), 1);
  if (over.selected >= 0) outline(context, boxOf(over.selected), css("--accent"), 2);
}

type Box = [number, number, number, number];

/** A folded corner: seen at any size of the tile, and hides little of it. */
function corner(context: CanvasRenderingContext2D, [x, y, width, height]: Box, color: string) {
  const side = Math.min(10, Math.max(4, Math.min(width, height) / 4));
  context.fillStyle = color;
  context.beginPath();
  context.moveTo(x + width - side, y);
  context.lineTo(x + width, y);
  context.lineTo(x + width, y + side);
  context.fill();
}

function write(context: CanvasRenderingContext2D, [x, y, width]: Box, text: string): void {
  context.font = "600 11px system-ui, sans-serif";
  const wide = context.measureText(text).width + 8;
  if (wide > width / 3) return;
  context.fillStyle = "rgba(12, 14, 18, 0.72)";
  context.fillRect(x, y, wide, 16);
  context.fillStyle = "#fff";
  context.fillText(text, x + 4, y + 12);
}

function outline(
  context: CanvasRenderingContext2D,
  [x, y, width, height]: Box,
  color: string,
  line: number,
): void {
  context.strokeStyle = color;
  context.lineWidth = line;
  context.strokeRect(x + line / 2, y + line / 2, width - line, height - line);
}
