/** Segments of `./costs` => the share of training time that logging took, per callback. */

import type { CostSegment } from "./answers";
import { toNumber } from "./json";

export interface CostRow {
  name: string;
  /** On the main thread, and what its encoding on the writer's thread costs training. */
  seconds: number;
  /** On the main thread alone. */
  main: number;
  compile: number;
  snapshots: number;
  skipped: number;
}

export interface CostTable {
  /** The most expensive first. */
  rows: CostRow[];
  /** Not part of a callback: tbviz's own time, waiting for the writer, other costs of the writer. */
  other: number;
  /** Time of training itself: all time without what logging took on the main thread. */
  training: number;
  compile: number;
  /** Logging time over training time; null if unknown. */
  share: number | null;
  budget: number | null;
}

export function costsOf(segments: readonly CostSegment[]): CostTable {
  const rows = new Map<string, CostRow>();
  const sums = { other: 0, training: 0, compile: 0 };
  let taken = 0;
  for (const segment of segments) {
    const [wall, main, compile, wait, writer] = (
      ["wall", "main", "compile", "wait", "writer"] as const
    ).map((name) => toNumber(segment[name])) as [number, number, number, number, number];
    // Without a factor the writer's thread counts as if it cost training nothing.
    const factor = segment.factor === null ? 0 : toNumber(segment.factor);
    let uncounted = writer;
    for (const [name, method] of Object.entries(segment.methods)) {
      const encode = toNumber(method.encode);
      const own = toNumber(method.main);
      uncounted -= encode;
      if (name === "tbviz") {
        sums.other += own + factor * encode;
        continue;
      }
      const row = rows.get(name) ?? {
        name,
        seconds: 0,
        main: 0,
        compile: 0,
        snapshots: 0,
        skipped: 0,
      };
      row.seconds += own + factor * encode;
      row.main += own;
      row.compile += toNumber(method.compile);
      row.snapshots += method.snapshots;
      row.skipped += method.skipped;
      rows.set(name, row);
    }
    sums.other += wait + factor * Math.max(uncounted, 0);
    sums.compile += compile;
    sums.training += wall - main - wait - compile;
    taken += main + wait + factor * writer;
  }
  return {
    ...sums,
    rows: [...rows.values()].sort((a, b) => b.seconds - a.seconds),
    share: sums.training > 0 ? taken / sums.training : null,
    budget: segments.at(-1)?.budget ?? null,
  };
}

/** Return whether the page suggests how to reduce the cost. */
export const isExpensive = ({ share, budget }: CostTable) => budget === null && (share ?? 0) > 0.1;
