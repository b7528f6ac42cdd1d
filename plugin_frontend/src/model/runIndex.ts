/** (what is known of a run, an answer of `./index`) => what is known now. */

import type { IndexAnswer, Latest, Segment } from "./answers";
import { expand, type Position, seams } from "./positions";
import type { Layout, Notice, Probe, Series } from "./records";

export interface RunIndex {
  cursor: string;
  segments: Segment[];
  positions: Position[];
  seams: number[];
  series: ReadonlyMap<string, Series>;
  layouts: ReadonlyMap<string, Layout>;
  probes: ReadonlyMap<number, Probe>;
  notices: Notice[];
  latest: Latest;
}

export const seriesKey = (kind: string, layer: string) => `${kind}\n${layer}`;

const NOTHING: RunIndex = {
  cursor: "",
  segments: [],
  positions: [],
  seams: [],
  series: new Map(),
  layouts: new Map(),
  probes: new Map(),
  notices: [],
  latest: { metrics: null, health: null, predictions: null },
};

function replaced<K, V>(old: ReadonlyMap<K, V>, entries: (readonly [K, V])[]): ReadonlyMap<K, V> {
  return entries.length === 0 ? old : new Map([...old, ...entries]);
}

/** Merge an answer; parts that did not change keep their identity and are not drawn again. */
export function merge(old: RunIndex | null, answer: IndexAnswer): RunIndex {
  const base = old === null || answer.reset === true ? NOTHING : old;
  const fresh = expand(answer.positions ?? []);
  const positions = fresh.length === 0 ? base.positions : [...base.positions, ...fresh];
  const segments = replaced(
    new Map(base.segments.map((segment) => [segment.segment, segment])),
    (answer.segments ?? []).map((segment) => [segment.segment, segment] as const),
  );
  return {
    cursor: answer.cursor,
    segments: answer.segments?.length
      ? [...segments.values()].sort((a, b) => a.segment - b.segment)
      : base.segments,
    positions,
    seams: fresh.length === 0 ? base.seams : seams(positions),
    series: replaced(
      base.series,
      (answer.series ?? []).map(
        (series) => [seriesKey(series.kind, series.layer), series] as const,
      ),
    ),
    layouts: replaced(base.layouts, Object.entries(answer.layouts ?? {})),
    probes: replaced(
      base.probes,
      (answer.probes ?? []).map((probe) => [probe.segment, probe] as const),
    ),
    notices: answer.notices?.length ? [...base.notices, ...answer.notices] : base.notices,
    latest: answer.latest ?? base.latest,
  };
}

/** Return the probe of a segment's pictures: its own, else the last one before it. */
export function probeOf(index: RunIndex, segment: number): Probe | null {
  let found: Probe | null = null;
  for (const probe of index.probes.values()) {
    if (probe.segment <= segment && probe.segment > (found?.segment ?? 0)) found = probe;
  }
  return found ?? index.probes.values().next().value ?? null;
}
