import { type ReadonlySignal, type Signal, useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { rowLabels } from "../draw/arrange";
import { drawHeatMap } from "../draw/heatMap";
import type { Size } from "../draw/size";
import { capitalized, number, percent } from "../model/format";
import type { Health } from "../model/health";
import { snapshotLabel } from "../model/positions";
import { statisticOf } from "../model/statistics";
import { statistic } from "../state/colorScale";
import { cursor, ghost, moveTo, pinned } from "../state/cursor";
import { health } from "../state/health";
import {
  cellsNow,
  coming,
  healthSkipped,
  mapped,
  names,
  none,
  nonFiniteCells,
  offered,
  snapshotsNow,
  topNow,
} from "../state/heat";
import { layer } from "../state/layer";
import { pause } from "../state/play";
import { positions, segmentCount } from "../state/run";
import { selectLayer } from "../state/selection";
import { dark } from "../state/shell";
import { useHealthQuery } from "./useHealthQuery";
import { useSize } from "./useSize";

/** Width of a letter of the labels, and maximum width of the labels as a share of the card. */
const LETTER = 6.3;
const MAX_LABEL_SHARE = 0.36;
/** Height of a line of them. */
const LINE = 11;

/** The cell under the pointer. */
interface Spot {
  row: number;
  ordinal: number;
}

/** Layers x positions of one statistic: an overview of the run, and a way to navigate it. */
export function HeatMap() {
  const [box, size] = useSize<HTMLDivElement>();
  const spot = useSignal<Spot | null>(null);
  const table = health.value;
  useHealthQuery(none.value ? null : { names: mapped.value });
  const longest = Math.max(0, ...names.value.map((name) => name.length));
  const gutter = Math.round(Math.min(longest * LETTER + 10, size.value.width * MAX_LABEL_SHARE));
  return (
    <div class="card heat" data-testid="heat" data-statistic={mapped.value} data-gutter={gutter}>
      <div class="card-head">
        <select
          class="title"
          data-testid="statistic"
          aria-label="Statistic of the heat map"
          title={capitalized(statisticOf(mapped.value).help)}
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
        {none.value && <p class="dim small">{capitalized(healthSkipped.value ?? NO_HEALTH)}</p>}
        {table !== null && !none.value && (
          <HeatCells table={table} size={size.value} spot={spot} gutter={gutter} />
        )}
      </div>
    </div>
  );
}

const NO_HEALTH = "No layer health yet.";

/** The scale, or the cell under the pointer. */
function Legend({ spot }: { spot: Signal<Spot | null> }) {
  if (none.value) return null;
  const counted = statisticOf(mapped.value).unit === "number";
  const format = (value: number) =>
    counted && !Number.isNaN(value) ? number(value) : percent(value);
  const at = spot.value;
  const path = at === null ? undefined : health.value?.layers[at.row];
  const position = at === null ? undefined : positions.value[at.ordinal];
  if (at === null || path === undefined || position === undefined) {
    return (
      <span class="legend scale">
        0 <i class="heat-scale" aria-hidden="true" /> {!coming.value && format(topNow.value)}
        {nonFiniteCells.value.some((row) => row?.some((what) => what !== null)) && (
          <span data-testid="heat-non-finite">
            {" "}
            <i class="heat-non-finite" aria-hidden="true" /> not finite
          </span>
        )}
      </span>
    );
  }
  const what = nonFiniteCells.value[at.row]?.[at.ordinal];
  const snapshot = snapshotsNow.value[at.row]?.[at.ordinal] ?? -1;
  return (
    <span class="legend" data-testid="heat-readout">
      {path} ·{" "}
      {snapshotLabel(
        positions.value,
        snapshot < 0 ? at.ordinal : snapshot,
        at.ordinal,
        segmentCount.value,
      )}{" "}
      · <b>{what ?? format(cellsNow.value[at.row]?.[at.ordinal] ?? Number.NaN)}</b>
    </span>
  );
}

interface CellsProps {
  table: Health;
  size: Size;
  spot: Signal<Spot | null>;
  gutter: number;
}

function HeatCells({ table, size, spot, gutter }: CellsProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [rows, snapshots, maximum] = [cellsNow.value, snapshotsNow.value, topNow.value];
  const count = positions.value.length;
  const { width, height } = size;
  const rowHeight = Math.min(26, height / rows.length);
  const plotWidth = Math.max(width - gutter, 1);
  const chosen = table.layers.indexOf(layer.value ?? "");
  const line = Math.max(rowHeight, LINE);
  const labeled = rowLabels(table.layers, rowHeight, line, chosen);

  useLayoutEffect(() => {
    if (canvas.current !== null && width > gutter) {
      drawHeatMap(
        canvas.current,
        rows,
        snapshots,
        maximum,
        plotWidth,
        rowHeight,
        nonFiniteCells.value,
      );
    }
  }, [rows, snapshots, maximum, plotWidth, rowHeight, nonFiniteCells.value, dark.value]);
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
        aria-label={`${statisticOf(mapped.value).title} of ${rows.length} layers over ${count} steps`}
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
          const path = table.layers[at.row];
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

/** The outlined column of a position. */
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
