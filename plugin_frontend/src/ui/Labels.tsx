import { type Arrangement, shortened } from "../draw/arrange";
import type { Layout } from "../model/records";
import { isLayer } from "../state/layers";
import { selectLayer } from "../state/selection";

interface Props {
  layout: Layout;
  arrangement: Arrangement;
  captions: readonly string[] | null;
  selected: number;
}

/** Minimum width of a bar with a number under it, in CSS pixels. */
const MIN_BAR_WIDTH = 18;

/** The text around the tiles: captions under them, headers of columns and rows. */
export function Labels({ layout, arrangement, captions, selected }: Props) {
  const { grid, scale, left, top, slanted } = arrangement;
  const [h, w] = layout.tile;
  const across = (column: number) => column * (w + grid.gap) * scale;
  const down = (row: number) => row * (h + grid.lead) * scale;
  const columns = layout.column_titles ?? [];
  const short = shortened(columns);
  // Numbers under the bars of a diagram, where they are wide enough.
  const { bars: all } = layout;
  const room = all === undefined ? 0 : (w * scale) / all.length;
  const bars = all !== undefined && captions !== null && room >= MIN_BAR_WIDTH ? all : null;
  return (
    <>
      {bars?.map((channel, i) => (
        <span
          key={channel}
          class="tile-caption"
          title={`channel ${channel}`}
          style={{
            left: `${(i * w * scale) / bars.length}px`,
            top: `${h * scale}px`,
            width: `${(w * scale) / bars.length}px`,
          }}
        >
          {channel}
        </span>
      ))}
      {(bars === null ? captions : null)?.slice(0, layout.tiles).map((text, tile) => (
        <span
          key={tile}
          class={`tile-caption ${tile === selected ? "chosen" : ""}`}
          data-testid="tile-caption"
          title={text}
          style={{
            left: `${across(tile % grid.columns)}px`,
            top: `${down(Math.floor(tile / grid.columns)) + h * scale}px`,
            width: `${w * scale}px`,
          }}
        >
          {text}
        </span>
      ))}
      {columns.slice(0, grid.columns).map((text, column) => (
        <Header
          key={column}
          text={text}
          short={short[column] ?? text}
          opens={layout.column_layers?.[column] ?? text}
          class={`column-title ${slanted ? "slanted" : ""} ${column === selected % grid.columns ? "chosen" : ""}`}
          style={{
            left: `${across(column)}px`,
            top: `${-top}px`,
            width: `${w * scale}px`,
            height: `${top}px`,
          }}
        />
      ))}
      {layout.row_titles?.slice(0, grid.rows).map((text, row) => (
        <Header
          key={row}
          text={text}
          short={text}
          opens={text}
          class={`row-title ${row === Math.floor(selected / grid.columns) ? "chosen" : ""}`}
          style={{
            left: `${-left}px`,
            top: `${down(row)}px`,
            width: `${left}px`,
            height: `${h * scale}px`,
          }}
        />
      ))}
    </>
  );
}

interface HeaderProps {
  text: string;
  short: string;
  /** A path, if it is one of a layer. */
  opens: string;
  class: string;
  style: Record<string, string>;
}

/** A header; that of a layer opens the layer. */
function Header({ text, short, opens, class: names, style }: HeaderProps) {
  if (!isLayer(opens)) {
    return (
      <span class={names} style={style} title={text}>
        <span>{short}</span>
      </span>
    );
  }
  return (
    <button
      type="button"
      class={`${names} bare`}
      style={style}
      title={`Open ${opens}`}
      onClick={() => selectLayer(opens)}
    >
      <span>{short}</span>
    </button>
  );
}
