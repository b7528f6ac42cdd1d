import { useMemo } from "preact/hooks";
import type { Range } from "../draw/color";
import { paintGrid } from "../draw/paint";
import type { Sheet } from "../draw/png";
import { gridOf } from "../draw/tiles";
import { nth } from "../model/format";
import { label, tick } from "../model/positions";
import { mapName, tileRange } from "../state/colorScale";
import { cursor, moveTo } from "../state/cursor";
import type { FilmState, Frame } from "../state/film";
import { pause } from "../state/play";
import { positions, segmentCount } from "../state/run";
import { Canvas } from "./Canvas";

interface Props {
  film: FilmState | null;
  /** The range of the large picture; null if each frame has its own. */
  range: Range | null;
  /** Draws a frame that is more than its tile. */
  draw?: (frame: Frame) => {
    pixels: Uint8ClampedArray<ArrayBuffer>;
    width: number;
    height: number;
  };
}

/** One tile over the run; a click on a frame goes to its position. */
export function Film({ film, range, draw }: Props) {
  if (film === null || film.frames.length === 0) return null;
  const ordinals = film.frames.map((frame) => frame.ordinal);
  const current = ordinals.findLastIndex((ordinal) => ordinal <= cursor.value);
  return (
    <div class="film-box">
      <h3 class="section">
        Over the run
        {film.stride > 1 && <span class="dim"> · every {nth(film.stride)} snapshot</span>}
      </h3>
      <div class="film" data-testid="film">
        {film.frames.map((frame, i) => (
          <FrameButton
            key={frame.ordinal}
            frame={frame}
            current={i === current}
            range={range}
            draw={draw}
          />
        ))}
      </div>
    </div>
  );
}

interface FrameProps {
  frame: Frame;
  current: boolean;
  range: Range | null;
  draw: Props["draw"] | undefined;
}

function FrameButton({ frame, current, range, draw }: FrameProps) {
  const at = positions.value[frame.ordinal];
  const name = at === undefined ? "" : label(at, segmentCount.value);
  return (
    <button
      type="button"
      class={`frame ${current ? "current" : ""}`}
      data-testid="frame"
      data-position={frame.ordinal}
      aria-current={current}
      title={name}
      onClick={() => {
        pause();
        moveTo(frame.ordinal);
      }}
    >
      {draw === undefined ? (
        <Tile sheet={frame.sheet} range={range} label={name} />
      ) : (
        <Drawn frame={frame} draw={draw} label={name} />
      )}
      <span>{at === undefined ? "" : tick(at)}</span>
    </button>
  );
}

function Drawn({
  frame,
  draw,
  label: name,
}: {
  frame: Frame;
  draw: NonNullable<Props["draw"]>;
  label: string;
}) {
  const drawn = useMemo(() => draw(frame), [frame, draw]);
  return <Canvas {...drawn} label={name} smooth />;
}

interface TileProps {
  sheet: Sheet;
  range: Range | null;
  label: string;
  testid?: string;
  attributes?: Record<string, string | number>;
}

/** A sheet of one tile in the colors of the view. */
export function Tile({ sheet, range, label: name, testid, attributes }: TileProps) {
  const map = mapName.value;
  const own = tileRange(sheet, 0, range);
  const painted = useMemo(() => {
    const size = [sheet.height, sheet.width] as const;
    const tiling = { tile: size, tiles: 1, columns: 1 };
    return paintGrid(sheet, tiling, gridOf(1, size, 1), () => own, map);
  }, [sheet, own.low, own.high, map]);
  return (
    <Canvas
      pixels={painted.pixels}
      width={sheet.width}
      height={sheet.height}
      label={name}
      smooth={sheet.channels === 3 && sheet.width > 48}
      {...(testid ? { testid } : {})}
      {...(attributes ? { attributes } : {})}
    />
  );
}
