/** The answers of the plugin (`tbviz/plugin/http_api.md`), typed. */

import type { Json, JsonNumber } from "./json";
import type { OrdinalRun, PositionRun } from "./positions";
import type { Layout, Notice, Probe, Series } from "./records";

export type Status = "live" | "finished" | "stopped" | "failed" | "lost" | "unreadable";

export interface RunEntry {
  run: string;
  segments: number | null;
  /** Null while the server has found the run but not read it yet. */
  positions: number | null;
  bytes: number;
  last: number | null;
  status: Status | null;
}

export interface RunsAnswer {
  runs: RunEntry[];
  now: number;
  version: string;
  logdir: string;
}

export interface Segment {
  segment: number;
  writer: string;
  status: Status;
  epochs: number | null;
  initial_epoch: number | null;
  steps: number | null;
  started: number | null;
  last: number | null;
  ended: number | null;
  reason: string | null;
  backend: string | null;
  versions?: Record<string, string>;
  damaged?: number;
  format?: number | null;
  /** Why nothing of it is read: its format is another one. A clause without a full stop. */
  refused?: string | null;
}

export interface Latest {
  metrics: number | null;
  health: number | null;
  predictions: number | null;
}

export interface IndexAnswer {
  cursor: string;
  now: number;
  reset?: boolean;
  segments?: Segment[];
  positions?: PositionRun[];
  series?: Series[];
  layouts?: Record<string, Layout>;
  probes?: Probe[];
  notices?: Notice[];
  latest?: Latest;
}

export interface SeriesAnswer {
  since: number;
  images: number;
  positions: OrdinalRun[];
  writers: [string, number][];
  layouts: [string, number][];
  offset: number[];
  length: number[];
  crc: number[];
  lo?: JsonNumber[];
  hi?: JsonNumber[];
  p?: JsonNumber[];
  q?: JsonNumber[];
}

type Column = (JsonNumber | null)[];

export interface ScalarsAnswer {
  source: "store" | "tensorboard";
  since: number;
  positions: OrdinalRun[];
  tags: Record<string, Column>;
}

/** Sums of a segment, in seconds. */
export interface CostSegment {
  segment: number;
  /** `max_overhead`; null where there is none. */
  budget: number | null;
  wall: JsonNumber;
  main: JsonNumber;
  compile: JsonNumber;
  wait: JsonNumber;
  /** CPU seconds of the writer's thread. */
  writer: JsonNumber;
  /** What a CPU second of it costs training; null where that was not measured. */
  factor: JsonNumber | null;
  methods: Record<string, CostMethod>;
}

export interface CostMethod {
  main: JsonNumber;
  compile: JsonNumber;
  encode: JsonNumber;
  snapshots: number;
  skipped: number;
}

/** Which part of the health table to send; a field that is absent restricts nothing. */
export interface HealthQuery {
  /** Statistics, separated by commas. */
  names?: string;
  layer?: string;
  /** At most this many positions, evenly spaced. */
  points?: number;
}

export interface HealthAnswer {
  since: number;
  /** The statistics of the run, known to the page or not. Absent if TensorBoard was started before an update. */
  names?: string[];
  positions: OrdinalRun[];
  layers: string[];
  channels: (number | null)[];
  numbers: Record<string, Column[]>;
  /**
   * `[position, layer, rule, text]` holds from there on; text null: no more. Sent where neither a
   * layer nor points are requested; a TensorBoard that was started before an update sends none.
   */
  advice?: [number, string, string, string | null][];
  /** `[position, layer, what]`: not finite from there on; null: finite again. Sent as `advice` is. */
  not_finite?: [number, string, string | null][];
}

export interface ChannelsAnswer {
  position: number;
  columns: Record<string, Column>;
}

export interface PredictionsAnswer {
  since: number;
  positions: OrdinalRun[];
  scale: "probability" | "score";
  images: ([number, JsonNumber][] | null)[][];
}

export interface ModelNode {
  path: string;
  name: string;
  class: string;
  parent: string | null;
  shape: (number | null)[] | null;
  parameters: number | null;
  trainable: boolean | null;
  config: Record<string, Json> | null;
  kinds: string[] | null;
  reason: string | null;
}

export interface ModelAnswer {
  nodes: ModelNode[];
  name?: string;
  class?: string;
  parameters?: number | null;
  trainable?: number | null;
}

/** Where the bytes of one sheet are. */
export interface SheetRef {
  writer: string;
  offset: number;
  length: number;
  crc: number;
}
