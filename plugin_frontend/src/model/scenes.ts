/** (a series, a request for one tile) => the records that show it, and where. */

import type { Columns } from "./columns";
import { samePhoto, sheetOf } from "./probes";
import type { Layout, Probe } from "./records";
import {
  inProbe,
  type TileContent,
  tileContents,
  tileOfChannel,
  tileOfContent,
} from "./tileContents";

export interface FilmRequest {
  kind: string;
  layer: string;
  /** Index in the probe. */
  image: number;
  /** The channel to follow; null: the tile with `content`, else the first tile. */
  channel: number | null;
  content?: TileContent;
}

export interface TileLocation {
  sheet: number;
  tile: number;
}

/**
 * Locate the sheet and tile of a record that show what is requested; null if none does.
 * `requestProbe` is the probe of the request, `probe` that of the record.
 */
function locate(
  layout: Layout,
  request: FilmRequest,
  requestProbe: Probe | null,
  probe: Probe | null,
) {
  const sheet = sheetOf(layout, request.image);
  const contents = tileContents(request.kind, layout, probe);
  const content =
    request.content === undefined ? null : inProbe(request.content, requestProbe, probe);
  const tile =
    request.channel !== null
      ? tileOfChannel(contents, request.channel)
      : request.content === undefined
        ? 0
        : content === null
          ? -1
          : tileOfContent(contents, content);
  return sheet < 0 || tile < 0 ? null : { sheet, tile };
}

/**
 * List the records that show the requested channel of the requested photograph, and where: a layout
 * may put a channel elsewhere, and a new `fit` may have other probe images.
 */
export function scenes(
  columns: Columns,
  layouts: ReadonlyMap<string, Layout>,
  request: FilmRequest,
  requestProbe: Probe | null,
  probeOfOrdinal: (ordinal: number) => Probe | null,
): { record: number; location: TileLocation }[] {
  const out: { record: number; location: TileLocation }[] = [];
  let record = 0;
  for (const [id, count] of columns.layouts) {
    const layout = layouts.get(id);
    const locations = new Map<Probe | null, TileLocation | null>();
    for (const end = record + count; record < end; record++) {
      if (layout === undefined) continue;
      const other = probeOfOrdinal(columns.ordinals.at(record));
      if (!locations.has(other)) {
        const same =
          layout.images === 0 ||
          other === requestProbe ||
          samePhoto(other, requestProbe, request.image);
        locations.set(other, same ? locate(layout, request, requestProbe, other) : null);
      }
      const location = locations.get(other);
      if (location) out.push({ record, location });
    }
  }
  return out;
}

/** Group records into strips to request: one per tile of a sheet. */
export function strips(
  records: readonly { record: number; location: TileLocation }[],
  columns: Columns,
) {
  const groups = new Map<string, { location: TileLocation; ordinals: number[] }>();
  for (const { record, location } of records) {
    const key = `${location.sheet}:${location.tile}`;
    const group = groups.get(key) ?? { location, ordinals: [] };
    group.ordinals.push(columns.ordinals.at(record));
    groups.set(key, group);
  }
  return [...groups.values()];
}
