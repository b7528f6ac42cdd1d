/** Segments of `./costs` => what looking took of training, callback by callback. */

import type { CostSegment } from "./api";
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

export interface Costs {
  /** The dearest first. */
  rows: CostRow[];
  /** What is no callback's: tbviz's own, waiting for the writer, and what else the writer costs. */
  rest: number;
  /** Of training itself: all time without what looking took on the main thread. */
  training: number;
  compile: number;
  /** Share of training that all of it takes; null where that cannot be told. */
  share: number | null;
  budget: number | null;
}

export function costsOf(segments: readonly CostSegment[]): Costs {
  const rows = new Map<string, CostRow>();
  const sums = { rest: 0, training: 0, compile: 0 };
  let taken = 0;
  for (const segment of segments) {
    const [wall, main, compile, wait, writer] = (
      ["wall", "main", "compile", "wait", "writer"] as const
    ).map((name) => toNumber(segment[name])) as [number, number, number, number, number];
    // Without a measured factor the writer's thread counts as if it cost training nothing.
    const factor = segment.factor === null ? 0 : toNumber(segment.factor);
    let rest = writer;
    for (const [name, method] of Object.entries(segment.methods)) {
      const encode = toNumber(method.encode);
      const own = toNumber(method.main);
      rest -= encode;
      if (name === "tbviz") {
        sums.rest += own + factor * encode;
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
    sums.rest += wait + factor * Math.max(rest, 0);
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

/** From where on the page says how to make it cheaper. */
export const isDear = ({ share, budget }: Costs) => budget === null && (share ?? 0) > 0.1;
