import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { carried, maxima } from "../bins";
import { number, percent } from "../format";
import { label } from "../positions";
import { cursor, ghost, moveTo, pinned } from "../store/cursor";
import { STATISTICS, type Statistic, statistic } from "../store/look";
import { pause } from "../store/play";
import { positions, segmentCount } from "../store/run";
import { layer, selectLayer } from "../store/selection";
import { dark } from "../store/shell";
import { type Health, health } from "../store/tables";
import { useSize } from "./useSize";

const LABELS: Record<Statistic, string> = {
  dead: "Dead channels",
  sparsity: "Sparsity",
  likeness: "Likeness to the input",
  change: "Change",
};
const EXPLAINED: Record<Statistic, string> = {
  dead: "Share of the channels whose output is one number everywhere on every probe image",
  sparsity: "Share of the outputs that are zero",
  likeness: "Largest correlation of a channel with the input, mean over the probe images",
  change: "Distance of the output from that at the last logged position, over its size",
};
const GUTTER = 92;

/** What a cell says, one list a layer with a value at each position; NaN where there is none. */
function cells(of: Health, name: Statistic, count: number): number[][] {
  return of.layers.map((_, row) => {
    const values = carried(of.numbers.get(name)?.[row] ?? [], count);
    if (name !== "dead") return values;
    const channels = of.channels[row] ?? Number.NaN;
    return values.map((dead) => dead / channels);
  });
}

/** Where the colours end: shares at 1, what has no end at the most there is. */
function top(name: Statistic, rows: readonly number[][]): number {
  if (name !== "change") return 1;
  let most = 0;
  for (const row of rows) for (const value of row) if (value > most) most = value;
  return most || 1;
}

/** Layers x positions of one statistic: the mini-map of the page, and a way into it. */
export function HeatMap() {
  const [box, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const hovered = useSignal<{ row: number; ordinal: number } | null>(null);
  const of = health.value;
  const name = statistic.value;
  const count = positions.value.length;
  const { width, height } = size.value;
  const rows = of === null ? [] : cells(of, name, count);
  const most = top(name, rows);
  const rowHeight = rows.length === 0 ? 0 : Math.min(26, height / rows.length);
  const plotWidth = Math.max(width - GUTTER, 1);
  const labelled = rowHeight >= 11;

  useLayoutEffect(() => {
    if (canvas.current !== null && width > GUTTER) {
      draw(canvas.current, rows, most, plotWidth, rowHeight);
    }
  }, [of, name, count, width, height, dark.value]);

  const find = (event: MouseEvent) => {
    const { left, top: above } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const row = Math.floor((event.clientY - above) / rowHeight);
    const ordinal = Math.floor(((event.clientX - left) / plotWidth) * count);
    return { row, ordinal: Math.min(Math.max(ordinal, 0), count - 1) };
  };
  const markAt = (ordinal: number | null) =>
    ordinal === null || ordinal < 0 || count === 0
      ? { display: "none" }
      : {
          left: `${(ordinal / count) * plotWidth}px`,
          width: `${Math.max(plotWidth / count, 2)}px`,
          height: `${rowHeight * rows.length}px`,
        };
  const said = hovered.value ?? null;
  const saidLayer = said === null ? undefined : of?.layers[said.row];
  const saidAt = said === null ? undefined : positions.value[said.ordinal];
  const value = said === null ? Number.NaN : (rows[said.row]?.[said.ordinal] ?? Number.NaN);

  return (
    <div class="card heat" data-testid="heat" data-statistic={name} data-gutter={GUTTER}>
      <div class="card-head">
        <select
          class="title"
          data-testid="statistic"
          aria-label="Statistic of the heat map"
          title={EXPLAINED[name]}
          value={name}
          onChange={(event) => {
            statistic.value = event.currentTarget.value as Statistic;
          }}
        >
          {STATISTICS.map((entry) => (
            <option key={entry} value={entry}>
              {LABELS[entry]}
            </option>
          ))}
        </select>
        {saidLayer !== undefined && saidAt !== undefined ? (
          <span class="legend" data-testid="heat-readout">
            {saidLayer} · {label(saidAt, segmentCount.value)} ·{" "}
            <b>{name === "change" ? number(value) : percent(value)}</b>
          </span>
        ) : (
          <span class="legend scale">
            0 <i class="heat-scale" aria-hidden="true" />{" "}
            {name === "change" ? number(most) : percent(most)}
          </span>
        )}
      </div>
      <div class="heat-body" ref={box}>
        {of === null || rows.length === 0 ? (
          <p class="dim small">No layer health was logged.</p>
        ) : (
          <>
            <div class="heat-labels" style={{ width: `${GUTTER}px` }}>
              {of.layers.map((path, row) => (
                <button
                  type="button"
                  key={path}
                  tabIndex={-1}
                  class={path === layer.value ? "selected" : ""}
                  title={path}
                  style={{ height: `${rowHeight}px`, top: `${row * rowHeight}px` }}
                  onClick={() => selectLayer(path)}
                >
                  {labelled ? path.split("/").at(-1) : ""}
                </button>
              ))}
            </div>
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: tree and slider do it by keys. */}
            <div
              class="heat-cells"
              role="img"
              aria-label={`${LABELS[name]} of ${rows.length} layers over ${count} positions`}
              data-testid="heat-cells"
              style={{ left: `${GUTTER}px`, height: `${rowHeight * rows.length}px` }}
              onPointerMove={(event) => {
                const at = find(event);
                hovered.value = at;
                ghost.value = at.ordinal;
              }}
              onPointerLeave={() => {
                hovered.value = null;
                ghost.value = null;
              }}
              onClick={(event) => {
                const at = find(event);
                const path = of.layers[at.row];
                pause();
                if (path !== undefined) selectLayer(path);
                moveTo(at.ordinal);
              }}
            >
              <canvas ref={canvas} aria-hidden="true" />
              <i class="column pin" style={markAt(pinned.value)} />
              <i class="column ghost" style={markAt(ghost.value)} />
              <i class="column cursor" style={markAt(cursor.value)} />
            </div>
          </>
        )}
      </div>
    </div>
  );
}

function draw(
  canvas: HTMLCanvasElement,
  rows: readonly number[][],
  most: number,
  width: number,
  rowHeight: number,
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
    const binned = bins < values.length ? maxima(values, bins) : values;
    const top = Math.round(row * rowHeight * scale);
    const gapY = rowHeight >= 6 ? scale : 0;
    const height = Math.max(1, Math.round((row + 1) * rowHeight * scale) - top - gapY);
    binned.forEach((value, i) => {
      if (Number.isNaN(value)) return;
      const left = Math.round((i / bins) * canvas.width);
      const right = Math.round(((i + 1) / bins) * canvas.width);
      const gapX = right - left >= 6 * scale ? scale : 0;
      context.globalAlpha = 1;
      context.fillStyle = cold;
      context.fillRect(left, top, right - left - gapX, height);
      // The root makes a few dead channels visible beside many.
      context.globalAlpha = Math.sqrt(Math.min(Math.max(value / most, 0), 1));
      context.fillStyle = hot;
      context.fillRect(left, top, right - left - gapX, height);
    });
  });
  context.globalAlpha = 1;
}
