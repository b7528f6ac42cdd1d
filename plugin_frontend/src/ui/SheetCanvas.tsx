import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import type { Arrangement } from "../draw/arrange";
import type { Range } from "../draw/color";
import { type Painted, put } from "../draw/paint";
import { drawMarks } from "../draw/sheetMarks";
import type { Mark } from "../draw/tiles";
import { mapName } from "../state/colorScale";
import type { Point } from "../state/naming";
import { dark } from "../state/shell";
import type { Shown } from "../state/watch";
import { Labels } from "./Labels";

interface Props {
  shown: Shown;
  painted: Painted;
  arrangement: Arrangement;
  marked: readonly Mark[];
  /** Text on the tiles; empty for none. */
  numbers: readonly string[];
  /** Text under the tiles; null for none. */
  captions: readonly string[] | null;
  selected: number;
  range: Range | null;
  label: string;
  onPoint: (point: Point | null) => void;
  onPick: (point: Point) => void;
}

/**
 * The sheet: one canvas pixel per map pixel, so that it can be compared with the logged data; a
 * second canvas over it, in device pixels, for lines, marks and numbers.
 */
export function SheetCanvas(props: Props) {
  const { shown, painted, arrangement, marked, numbers, captions, selected, range, label } = props;
  const { grid, scale, left, top, caption } = arrangement;
  const canvas = useRef<HTMLCanvasElement>(null);
  const over = useRef<HTMLCanvasElement>(null);
  const hovered = useSignal(-1);
  const { tile, tiles } = shown.layout;
  // Pictures that resemble photographs are enlarged smoothly.
  const photographic = shown.sheets[0]?.channels === 3 && tile[0] >= 40;
  const [width, height] = [Math.round(grid.width * scale), Math.round(grid.height * scale)];

  useLayoutEffect(() => {
    const target = canvas.current;
    if (target === null) return;
    put(target, painted.pixels, grid.width, grid.height);
    target.dataset.ready = String(shown.requested);
  }, [painted, grid, shown.requested]);

  useLayoutEffect(() => {
    if (over.current === null) return;
    drawMarks(over.current, {
      grid,
      tile,
      tiles,
      scale,
      size: { width, height },
      marked,
      numbers,
      selected,
      hovered: hovered.value,
    });
  }, [
    grid,
    tile,
    tiles,
    scale,
    width,
    height,
    marked,
    selected,
    hovered.value,
    dark.value,
    numbers,
  ]);

  const find = (event: MouseEvent): Point | null => {
    const bounds = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const x = Math.floor((event.clientX - bounds.left) / scale);
    const y = Math.floor((event.clientY - bounds.top) / scale);
    const [h, w] = tile;
    const [column, row] = [Math.floor(x / (w + grid.gap)), Math.floor(y / (h + grid.lead))];
    const at = row * grid.columns + column;
    const [inX, inY] = [x - column * (w + grid.gap), y - row * (h + grid.lead)];
    if (at < 0 || at >= tiles || column >= grid.columns || inX >= w || inY >= h) return null;
    return { tile: at, x: inX, y: inY };
  };

  return (
    <div
      class="sheet"
      style={{
        width: `${width}px`,
        height: `${height}px`,
        margin: `${top}px 0 ${caption}px ${left}px`,
      }}
    >
      <canvas
        ref={canvas}
        class={scale >= 1 && !photographic ? "pixels" : "smooth"}
        role="img"
        aria-label={label}
        data-testid="sheet"
        data-kind={shown.kind}
        data-layer={shown.layer}
        data-image={shown.images[0]}
        data-position={shown.ordinal}
        data-columns={grid.columns}
        data-tile={`${tile[0]}x${tile[1]}`}
        data-tiles={tiles}
        data-gap={grid.gap}
        data-map={mapName.value}
        data-range={range === null ? "tile" : `${range.low}:${range.high}`}
        onPointerMove={(event) => {
          const point = find(event);
          hovered.value = point?.tile ?? -1;
          props.onPoint(point);
        }}
        onPointerLeave={() => {
          hovered.value = -1;
          props.onPoint(null);
        }}
        onClick={(event) => {
          const point = find(event);
          if (point !== null) props.onPick(point);
        }}
      />
      <canvas ref={over} class="over" aria-hidden="true" />
      <Labels layout={shown.layout} {...{ arrangement, captions, selected }} />
    </div>
  );
}
