import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { rowLabels } from "../arrange";
import { NAN_COLOR } from "../color";
import { maxima } from "../downsample";
import { number, percent } from "../format";
import { lookLabel } from "../positions";
import { statisticOf } from "../statistics";
import { statistic } from "../store/colorScale";
import { cursor, ghost, moveTo, pinned } from "../store/cursor";
import { type Health, health } from "../store/health";
import {
  brokenCells,
  cellsNow,
  coming,
  looksNow,
  mapped,
  names,
  none,
  offered,
  topNow,
} from "../store/heat";
import { pause } from "../store/play";
import { positions, segmentCount } from "../store/run";
import { layer, selectLayer } from "../store/selection";
import { dark } from "../store/shell";
import { usePart } from "./usePart";
import { type Size, useSize } from "./useSize";

/** Width of the labels: of a letter, and of all at most, as a share of the card. */
const LETTER = 6.3;
const WIDEST = 0.36;
/** Height of a line of them. */
const LINE = 11;
/** How much of its color a cell has at a position where the layer was not looked at. */
const CARRIED = 0.35;

/** What the pointer is on. */
interface Spot {
  row: number;
  ordinal: number;
}

/** Layers x positions of one statistic: the mini-map of the page, and a way into it. */
export function HeatMap() {
  const [box, size] = useSize<HTMLDivElement>();
  const spot = useSignal<Spot | null>(null);
  const of = health.value;
  usePart(none.value ? null : { names: mapped.value });
  const longest = Math.max(0, ...names.value.map((name) => name.length));
  const gutter = Math.round(Math.min(longest * LETTER + 10, size.value.width * WIDEST));
  return (
    <div class="card heat" data-testid="heat" data-statistic={mapped.value} data-gutter={gutter}>
      <div class="card-head">
        <select
          class="title"
          data-testid="statistic"
          aria-label="Statistic of the heat map"
          title={sentence(statisticOf(mapped.value).help)}
          value={mapped.value}
          onChange={(event) => {
            statistic.value = event.currentTarget.value;
          }}
        >
          {(offered.value.length > 0 ? offered.value : [mapped.value]).map((entry) => (
            <option key={entry} value={entry}>
              {statisticOf(entry).title}
            </option>
          ))}
        </select>
        <Legend spot={spot} />
      </div>
      <div class="heat-body" ref={box} aria-busy={coming.value}>
        {none.value && <p class="dim small">{NONE_LOGGED}</p>}
        {of !== null && !none.value && (
          <HeatCells of={of} size={size.value} spot={spot} gutter={gutter} />
        )}
      </div>
    </div>
  );
}

/** "Share of ...": a definition as a sentence. */
const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

const NONE_LOGGED = "No layer health was logged; tbviz.LayerHealth does.";

/** The scale, or what the pointer is on. */
function Legend({ spot }: { spot: Signal<Spot | null> }) {
  if (none.value) return null;
  const counted = statisticOf(mapped.value).unit === "number";
  const said = (value: number) =>
    counted && !Number.isNaN(value) ? number(value) : percent(value);
  const at = spot.value;
  const path = at === null ? undefined : health.value?.layers[at.row];
  const position = at === null ? undefined : positions.value[at.ordinal];
  if (at === null || path === undefined || position === undefined) {
    return (
      <span class="legend scale">
        0 <i class="heat-scale" aria-hidden="true" /> {!coming.value && said(topNow.value)}
        {brokenCells.value.some((row) => row?.some((what) => what !== null)) && (
          <span data-testid="heat-broken">
            {" "}
            <i class="heat-broken" aria-hidden="true" /> not finite
          </span>
        )}
      </span>
    );
  }
  const what = brokenCells.value[at.row]?.[at.ordinal];
  const look = looksNow.value[at.row]?.[at.ordinal] ?? -1;
  return (
    <span class="legend" data-testid="heat-readout">
      {path} ·{" "}
      {lookLabel(positions.value, look < 0 ? at.ordinal : look, at.ordinal, segmentCount.value)} ·{" "}
      <b>{what ?? said(cellsNow.value[at.row]?.[at.ordinal] ?? Number.NaN)}</b>
    </span>
  );
}

interface CellsProps {
  of: Health;
  size: Size;
  spot: Signal<Spot | null>;
  gutter: number;
}

function HeatCells({ of, size, spot, gutter }: CellsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [rows, looks, most] = [cellsNow.value, looksNow.value, topNow.value];
  const count = positions.value.length;
  const { width, height } = size;
  const rowHeight = Math.min(26, height / rows.length);
  const plotWidth = Math.max(width - gutter, 1);
  const chosen = of.layers.indexOf(layer.value ?? "");
  const line = Math.max(rowHeight, LINE);
  const labeled = rowLabels(of.layers, rowHeight, line, chosen);

  useLayoutEffect(() => {
    if (canvas.current !== null && width > gutter) {
      draw(canvas.current, rows, looks, most, plotWidth, rowHeight, brokenCells.value);
    }
  }, [rows, looks, most, plotWidth, rowHeight, brokenCells.value, dark.value]);
  useEffect(
    () => () => {
      spot.value = null;
      ghost.value = null;
    },
    [spot],
  );

  const find = (event: MouseEvent): Spot => {
    const { left, top: above } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const row = Math.floor((event.clientY - above) / rowHeight);
    const ordinal = Math.floor(((event.clientX - left) / plotWidth) * count);
    return { row, ordinal: Math.min(Math.max(ordinal, 0), count - 1) };
  };
  return (
    <>
      <div class="heat-labels" style={{ width: `${gutter - 6}px` }}>
        {labeled.map(({ path, row, top }) => (
          <button
            type="button"
            key={path}
            tabIndex={-1}
            class={row === chosen ? "selected" : ""}
            title={path}
            style={{ height: `${line}px`, top: `${top}px` }}
            onClick={() => selectLayer(path)}
          >
            <bdi>{names.value[row]}</bdi>
          </button>
        ))}
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: tree and slider do it by keys. */}
      <div
        class="heat-cells"
        role="img"
        aria-label={`${statisticOf(mapped.value).title} of ${rows.length} layers over ${count} positions`}
        data-testid="heat-cells"
        style={{ left: `${gutter}px`, height: `${rowHeight * rows.length}px` }}
        onPointerMove={(event) => {
          const at = find(event);
          spot.value = at;
          ghost.value = at.ordinal;
        }}
        onPointerLeave={() => {
          spot.value = null;
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
        <Column name="pin" at={pinned} width={plotWidth} height={rowHeight * rows.length} />
        <Column name="ghost" at={ghost} width={plotWidth} height={rowHeight * rows.length} />
        <Column name="cursor" at={cursor} width={plotWidth} height={rowHeight * rows.length} />
      </div>
    </>
  );
}

interface ColumnProps {
  name: string;
  at: ReadonlySignal<number | null>;
  width: number;
  height: number;
}

/** The column of a position, outlined. */
function Column({ name, at, width, height }: ColumnProps) {
  const [ordinal, count] = [at.value, positions.value.length];
  if (ordinal === null || ordinal < 0 || count === 0) return null;
  const style = {
    left: `${(ordinal / count) * width}px`,
    width: `${Math.max(width / count, 2)}px`,
    height: `${height}px`,
  };
  return <i class={`column ${name}`} style={style} />;
}

function draw(
  canvas: HTMLCanvasElement,
  rows: readonly number[][],
  looks: readonly number[][],
  most: number,
  width: number,
  rowHeight: number,
  broken: readonly ((string | null)[] | null)[],
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
    const looked = maxima(looks[row]?.map((look, i) => Number(look === i)) ?? [], bins);
    const top = Math.round(row * rowHeight * scale);
    const gapY = rowHeight >= 6 ? scale : 0;
    const height = Math.max(1, Math.round((row + 1) * rowHeight * scale) - top - gapY);
    const ill = maxima(broken[row]?.map((what) => Number(what !== null)) ?? [], bins);
    binned.forEach((value, i) => {
      if (Number.isNaN(value) && ill[i] !== 1) return;
      const left = Math.round((i / bins) * canvas.width);
      const right = Math.round(((i + 1) / bins) * canvas.width);
      const gapX = right - left >= 6 * scale ? scale : 0;
      // What is carried on from an earlier look is paler.
      const strength = looked[i] === 1 ? 1 : CARRIED;
      context.globalAlpha = strength;
      if (ill[i] === 1) {
        context.fillStyle = `rgb(${NAN_COLOR.join(" ")})`;
        context.fillRect(left, top, right - left - gapX, height);
        return;
      }
      context.fillStyle = cold;
      context.fillRect(left, top, right - left - gapX, height);
      // The root makes a few dead channels visible beside many.
      context.globalAlpha = strength * Math.sqrt(Math.min(Math.max(value / most, 0), 1));
      context.fillStyle = hot;
      context.fillRect(left, top, right - left - gapX, height);
    });
  });
  context.globalAlpha = 1;
}
