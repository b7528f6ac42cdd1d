import type { ReadonlySignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Ends } from "../draw/chart";
import { AROUND, drawPlot, type Line, type NonFiniteMark } from "../draw/plot";
import { label as positionLabel } from "../model/positions";
import { cursor, ghost, moveTo, pinned } from "../state/cursor";
import { pause } from "../state/play";
import { positions, runIndex } from "../state/run";
import { dark } from "../state/shell";
import { useSize } from "./useSize";

interface Props {
  lines: readonly Line[];
  label: string;
  testid?: string;
  /** Ends of the vertical axis; by default those of the lines. */
  span?: Ends | undefined;
  /** Positions where something happened, marked at the top. */
  events?: readonly number[];
  nonFinite?: readonly NonFiniteMark[];
}

const NO_EVENTS: readonly number[] = [];
const NO_MARKS: readonly NonFiniteMark[] = [];

/** Lines over the positions with the page's cursor: a click moves it, hovering shows values. */
export function Plot({
  lines,
  label,
  testid,
  span,
  events = NO_EVENTS,
  nonFinite = NO_MARKS,
}: Props) {
  const [box, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const count = positions.value.length;
  const { width, height } = size.value;
  const inner = Math.max(width - AROUND.left - AROUND.right, 1);

  useLayoutEffect(() => {
    if (canvas.current !== null && width > 80 && height > 40) {
      const axis = { positions: positions.peek(), seams: runIndex.peek()?.seams ?? [] };
      drawPlot(canvas.current, lines, axis, { width, height }, span, events, nonFinite);
    }
  }, [lines, events, nonFinite, span?.low, span?.high, count, width, height, dark.value]);
  useEffect(
    () => () => {
      ghost.value = null;
    },
    [],
  );

  const ordinal = (event: MouseEvent) => {
    const { left } = (event.currentTarget as HTMLElement).getBoundingClientRect();
    const share = (event.clientX - left - AROUND.left) / inner;
    return Math.min(Math.max(Math.round(share * Math.max(count - 1, 1)), 0), count - 1);
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the slider does the same by keys.
    <div
      class="plot"
      ref={box}
      role="img"
      aria-label={[label, ...nonFinite.map(markLabel)].join("; ")}
      data-testid={testid}
      data-left={AROUND.left}
      data-right={AROUND.right}
      onPointerMove={(event) => {
        ghost.value = ordinal(event);
      }}
      onPointerLeave={() => {
        ghost.value = null;
      }}
      onClick={(event) => {
        pause();
        moveTo(ordinal(event));
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <Mark name="pin" at={pinned} width={inner} />
      <Mark name="ghost" at={ghost} width={inner} />
      <Mark name="cursor" at={cursor} width={inner} />
    </div>
  );
}

function markLabel({ ordinal, text }: NonFiniteMark): string {
  const position = positions.value[ordinal];
  return position === undefined ? text : `${text} at ${positionLabel(position)}`;
}

interface MarkProps {
  name: string;
  at: ReadonlySignal<number | null>;
  /** Of the room between the ends of the axis. */
  width: number;
}

/** A line at a position. */
function Mark({ name, at, width }: MarkProps) {
  const [ordinal, last] = [at.value, Math.max(positions.value.length - 1, 1)];
  if (ordinal === null || ordinal < 0) return null;
  const left = AROUND.left + (ordinal / last) * width;
  return <i class={`mark ${name}`} style={{ left: `${left}px` }} />;
}
