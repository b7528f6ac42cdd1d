/** What a run holds, as the index describes it: series, layouts, probes, notices. */

import type { JsonNumber } from "./json";
import type { OrdinalRun } from "./positions";

export interface Series {
  kind: string;
  layer: string;
  layout: string;
  media: string;
  images: number;
  count: number;
  bytes: number;
  range: [JsonNumber, JsonNumber] | null;
  percentiles: [JsonNumber, JsonNumber] | null;
  positions: OrdinalRun[];
}

export interface Layout {
  /** The kind of picture. */
  picture: string;
  layer: string;
  media: string;
  tile: [number, number];
  tiles: number;
  columns: number;
  images: number;
  /** Which probe image each sheet is of, where that is not the first, the second ... */
  probes?: number[];
  channels?: number[];
  total?: number;
  map?: [number, number];
  roles?: string[];
  /** What is explained, in words. */
  target?: string;
  /** A caption of each tile. */
  titles?: string[];
  /** Captions of the columns and rows of the stored grid, which is then shown as it is. */
  column_titles?: string[];
  row_titles?: string[];
  /** The path of each column's layer. */
  column_layers?: string[];
  /** Of hypercolumns: the paths of the layers in each list. */
  stacks?: string[][];
  /** The channel of each bar of a tile that is one diagram. */
  bars?: number[];
  /** Zero is the middle of the values. */
  signed?: boolean;
  method?: string;
  /** What the picture is, in a line. */
  title?: string;
}

export interface ProbeImage {
  name: string | null;
  label: number | null;
  class: string | null;
  /** Names and range of its own model, if the models that share a run differ in them. */
  class_names?: string[];
  range?: [JsonNumber, JsonNumber];
}

export interface Probe {
  segment: number;
  writer: string;
  size: [number, number];
  range: [JsonNumber, JsonNumber];
  images: ProbeImage[];
  class_names: string[] | null;
  sheets: [number, number, number][];
}

/** The event of a notice, for programs; `docs/format.md` explains each. */
export type NoticeEvent =
  | "advice"
  | "capture_requested"
  | "disabled"
  | "duplicate_pictures"
  | "encode_failed"
  | "error"
  | "layers_limited"
  | "left_out"
  | "limit_reached"
  | "limit_summary"
  | "metrics_not_finite"
  | "not_scalar"
  | "nothing_captured"
  | "orders_unreadable"
  | "paused"
  | "probe_cut"
  | "probe_not_finite"
  | "replaced"
  | "resumed"
  | "schedule_overridden"
  | "schedule_restored"
  | "size_forecast"
  | "skipped"
  | "store_failed"
  | "store_slow"
  | "structure_changed"
  | "weights_finite_again"
  | "weights_not_finite";

export interface Notice {
  segment: number;
  position: number | null;
  level: "info" | "warning";
  /** Absent where an older tbviz wrote it, and so are the key and the rule. */
  event?: NoticeEvent;
  /** What counts as the same notice within a fit. */
  key?: string;
  /** The rule of advice, or the limit. */
  rule?: string | null;
  method: string | null;
  layer: string | null;
  /** For people only; programs read `event`. */
  text: string;
  remedy: string | null;
  time: number;
}
