/** (rows of values, room) => the cells of the heat map on a canvas. */

import { maxima } from "../model/downsample";
import { NAN_COLOR } from "./color";

/** Opacity of a cell at a position without a snapshot. */
const CARRIED = 0.35;

export function drawHeatMap(
  canvas: HTMLCanvasElement,
  rows: readonly number[][],
  snapshots: readonly number[][],
  maximum: number,
  width: number,
  rowHeight: number,
  nonFinite: readonly ((string | null)[] | null)[],
): void {
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.max(1, Math.round(rowHeight * rows.length * scale));
  canvas.style.width = `${width}px`;
  canvas.style.height = `${rowHeight * rows.length}px`;
  const context = canvas.getContext("2d");
  if (context === null) return;
  const styles = getComputedStyle(document.documentElement);
  const [cold, hot] = [styles.getPropertyValue("--cold"), styles.getPropertyValue("--hot")];
  rows.forEach((values, row) => {
    const bins = Math.min(values.length, Math.floor(width));
    const binned = maxima(values, bins);
    const captured = maxima(
      snapshots[row]?.map((snapshot, i) => Number(snapshot === i)) ?? [],
      bins,
    );
    const top = Math.round(row * rowHeight * scale);
    const gapY = rowHeight >= 6 ? scale : 0;
    const height = Math.max(1, Math.round((row + 1) * rowHeight * scale) - top - gapY);
    const faulty = maxima(nonFinite[row]?.map((what) => Number(what !== null)) ?? [], bins);
    binned.forEach((value, i) => {
      if (Number.isNaN(value) && faulty[i] !== 1) return;
      const left = Math.round((i / bins) * canvas.width);
      const right = Math.round(((i + 1) / bins) * canvas.width);
      const gapX = right - left >= 6 * scale ? scale : 0;
      // A value carried forward from an earlier snapshot is paler.
      const strength = captured[i] === 1 ? 1 : CARRIED;
      context.globalAlpha = strength;
      if (faulty[i] === 1) {
        context.fillStyle = `rgb(${NAN_COLOR.join(" ")})`;
        context.fillRect(left, top, right - left - gapX, height);
        return;
      }
      context.fillStyle = cold;
      context.fillRect(left, top, right - left - gapX, height);
      // The root makes a few dead channels visible beside many.
      context.globalAlpha = strength * Math.sqrt(Math.min(Math.max(value / maximum, 0), 1));
      context.fillStyle = hot;
      context.fillRect(left, top, right - left - gapX, height);
    });
  });
  context.globalAlpha = 1;
}
