/** (lines over the positions, room) => a chart on a canvas. */

import type { ByPosition } from "../model/byPosition";
import { tickText } from "../model/format";
import { type Position, tick } from "../model/positions";
import { type Ends, ends, ordinalTicks, roundTicks, runsOf } from "./chart";
import type { Size } from "./size";

export interface Line {
  label: string;
  /** Name of a CSS variable. */
  color: string;
  values: ByPosition;
  faint?: boolean;
  strong?: boolean;
}

/** A mark where a line ends because its values are no longer finite. */
export interface NonFiniteMark {
  ordinal: number;
  text: string;
  color: string;
}

/** What the horizontal axis runs over; a new fit begins at a seam. */
interface Axis {
  positions: readonly Position[];
  seams: readonly number[];
}

/** Room around the lines, in CSS pixels. */
export const AROUND = { left: 44, right: 8, top: 5, bottom: 18 };

/** Minimum distance of two dots in pixels. */
const SPARSE = 8;

export function drawPlot(
  canvas: HTMLCanvasElement,
  lines: readonly Line[],
  { positions, seams }: Axis,
  size: Size,
  fixed: Ends | undefined,
  events: readonly number[],
  nonFinite: readonly NonFiniteMark[],
): void {
  const count = positions.length;
  const ratio = devicePixelRatio;
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round(size.height * ratio);
  canvas.style.width = `${size.width}px`;
  canvas.style.height = `${size.height}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  context.scale(ratio, ratio);
  const styles = getComputedStyle(document.documentElement);
  const css = (name: string) => styles.getPropertyValue(name);
  const [left, right] = [AROUND.left, size.width - AROUND.right];
  const [top, bottom] = [AROUND.top, size.height - AROUND.bottom];
  const span = fixed ?? ends(lines.map((line) => line.values));
  const x = (ordinal: number) => left + (ordinal / Math.max(count - 1, 1)) * (right - left);
  const y = (value: number) =>
    bottom - ((value - span.low) / (span.high - span.low)) * (bottom - top);

  context.font = "10.5px system-ui, 'DejaVu Sans', sans-serif";
  context.lineWidth = 1;
  context.strokeStyle = css("--line");
  context.fillStyle = css("--dim");
  context.textAlign = "right";
  context.textBaseline = "middle";
  const ticks = roundTicks(span, (bottom - top) / 24);
  const distance = (ticks[1] ?? 1) - (ticks[0] ?? 0);
  for (const value of ticks) {
    const at = Math.round(y(value)) + 0.5;
    stroke(context, [left, at], [right, at]);
    context.fillText(tickText(value, distance), left - 6, at);
  }
  context.textAlign = "center";
  context.textBaseline = "alphabetic";
  for (const ordinal of ordinalTicks(count, (right - left) / 48)) {
    const position = positions[ordinal];
    if (position !== undefined) context.fillText(tick(position), x(ordinal), size.height - 4);
  }
  // A new fit begins between two positions.
  context.strokeStyle = css("--mute");
  context.setLineDash([3, 3]);
  for (const seam of seams) {
    const at = Math.round(x(seam - 0.5)) + 0.5;
    stroke(context, [at, top], [at, bottom]);
  }
  context.setLineDash([]);
  context.lineJoin = "round";
  for (const line of lines) {
    context.globalAlpha = line.faint ? 0.35 : 1;
    context.lineWidth = line.faint ? 1 : line.strong ? 3 : 1.75;
    context.strokeStyle = css(line.color);
    context.fillStyle = css(line.color);
    for (const run of runsOf(line.values)) {
      context.beginPath();
      for (const [ordinal, value] of run) context.lineTo(x(ordinal), y(value));
      context.stroke();
      // If positions between have no snapshot, those that have one are dots.
      const [first, last] = [run[0]?.[0] ?? 0, run.at(-1)?.[0] ?? 0];
      const sparse = last - first >= run.length && run.length * SPARSE < right - left;
      for (const [ordinal, value] of sparse || run.length === 1 ? run : []) {
        context.beginPath();
        context.arc(x(ordinal), y(value), 2.25, 0, 2 * Math.PI);
        context.fill();
      }
    }
  }
  context.globalAlpha = 1;
  context.lineWidth = 1;
  context.textBaseline = "top";
  context.setLineDash([2, 2]);
  nonFinite.forEach(({ ordinal, text, color }, i) => {
    const at = Math.round(x(ordinal)) + 0.5;
    context.strokeStyle = css(color);
    context.fillStyle = css(color);
    stroke(context, [at, top], [at, bottom]);
    // Behind the end of the line if there is room; several at one position are stacked.
    const before = at > right - 30;
    const above = nonFinite.filter((other, j) => j < i && other.ordinal === ordinal).length;
    context.textAlign = before ? "right" : "left";
    context.fillText(text, before ? at - 3 : at + 3, top + 12 * above);
  });
  context.setLineDash([]);
  context.fillStyle = css("--text");
  for (const event of events) {
    const at = x(event);
    context.beginPath();
    context.moveTo(at - 4, top - 5);
    context.lineTo(at + 4, top - 5);
    context.lineTo(at, top + 2);
    context.fill();
  }
}

type Point = [number, number];

function stroke(context: CanvasRenderingContext2D, from: Point, to: Point): void {
  context.beginPath();
  context.moveTo(...from);
  context.lineTo(...to);
  context.stroke();
}
