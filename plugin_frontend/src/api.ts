/** The routes of the plugin (`tbviz/plugin/http_api.md`), typed; relative addresses only. */

import type { Json, JsonNumber } from "./json";
import type { OrdinalRun, PositionRun } from "./positions";

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
  | "orders_unreadable"
  | "paused"
  | "probe_cut"
  | "probe_not_finite"
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

/** The error message of the server; status 0 if it did not respond. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

type Parameters = Record<string, string | number | null | undefined>;

function address(route: string, parameters: Parameters): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.set(name, String(value));
  }
  const text = query.toString();
  return text ? `./${route}?${text}` : `./${route}`;
}

/** Give up after this long without a byte: a stalled tunnel never ends a request. */
export const IDLE_TIMEOUT_MS = 60_000;

/** Request a route and read its answer; every request ends, so no caller waits forever. */
async function request<T>(
  route: string,
  parameters: Parameters,
  read: (response: Response) => Promise<T>,
  signal?: AbortSignal,
): Promise<T> {
  const idle = new AbortController();
  const startTimer = () => setTimeout(() => idle.abort(), IDLE_TIMEOUT_MS);
  let timer = startTimer();
  // A long answer may take longer on a slow connection; each chunk restarts the timer.
  const monitored = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      clearTimeout(timer);
      timer = startTimer();
      out.enqueue(chunk);
    },
  });
  const signals = signal ? [signal, idle.signal] : [idle.signal];
  try {
    const response = await fetch(address(route, parameters), { signal: AbortSignal.any(signals) });
    if (!response.ok) throw new ApiError(response.status, await errorMessage(response));
    return await read(new Response(response.body?.pipeThrough(monitored) ?? null, response));
  } catch (error) {
    if (signal?.aborted || error instanceof ApiError || error instanceof SyntaxError) throw error;
    throw new ApiError(0, "TensorBoard is not responding");
  } finally {
    clearTimeout(timer);
  }
}

async function errorMessage(response: Response): Promise<string> {
  const answer: { error?: string } = await response.json().catch(() => ({}));
  // An answer without a message is described by its status.
  return answer.error || `${response.status} ${response.statusText}`;
}

const json = <T>(route: string, parameters: Parameters, signal?: AbortSignal): Promise<T> =>
  request(route, parameters, (response) => response.json() as Promise<T>, signal);

const bytes = async (response: Response) => new Uint8Array(await response.arrayBuffer());

export const getRuns = () => json<RunsAnswer>("runs", {});

export const getIndex = (run: string, since: string | null, signal?: AbortSignal) =>
  json<IndexAnswer>("index", { run, since }, signal);

export const getSeries = (run: string, kind: string, layer: string, since: number) =>
  json<SeriesAnswer>("series", { run, kind, layer, since });

export const getScalars = (run: string, since: number) =>
  json<ScalarsAnswer>("scalars", { run, since });

export const getCosts = (run: string) => json<{ segments: CostSegment[] }>("costs", { run });

export const getHealth = (run: string, since: number, query: HealthQuery) =>
  json<HealthAnswer>("health", { run, since, ...query });

export const getPredictions = (run: string, since: number) =>
  json<PredictionsAnswer>("predictions", { run, since });

export const getChannels = (run: string, layer: string, position: number, signal?: AbortSignal) =>
  json<ChannelsAnswer>("channels", { run, layer, position }, signal);

export const getModel = (run: string) => json<ModelAnswer>("model", { run });

export const getSheet = (run: string, ref: SheetRef, signal?: AbortSignal): Promise<Uint8Array> =>
  request("sheet", { run, ...ref }, bytes, signal);

/** Several sheets in one answer; null for one that cannot be read. */
export async function getSheets(
  run: string,
  refs: readonly SheetRef[],
  signal?: AbortSignal,
): Promise<(Uint8Array | null)[]> {
  const sheets = refs.map((r) => `${r.writer}:${r.offset}:${r.length}:${r.crc}`).join(",");
  return splitSheets(await request("sheets", { run, sheets }, bytes, signal), refs.length);
}

const MISSING = 0xffffffff;

export function splitSheets(bytes: Uint8Array, count: number): (Uint8Array | null)[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const out: (Uint8Array | null)[] = [];
  for (let at = 0; out.length < count && at + 4 <= bytes.length; ) {
    const length = view.getUint32(at, true);
    at += 4;
    if (length === MISSING) {
      out.push(null);
    } else {
      out.push(at + length <= bytes.length ? bytes.subarray(at, at + length) : null);
      at += length;
    }
  }
  while (out.length < count) out.push(null);
  return out;
}

export interface Strip {
  png: Uint8Array;
  positions: number[];
}

/** Frames of some tiles at some positions, at most 512. */
export async function getStrip(
  run: string,
  series: { kind: string; layer: string },
  image: number,
  tiles: readonly number[],
  positions: readonly number[],
  signal?: AbortSignal,
): Promise<Strip> {
  const parameters = { run, kind: series.kind, layer: series.layer, image };
  return request(
    "strip",
    { ...parameters, tiles: tiles.join(","), positions: positions.join(",") },
    async (response) => {
      const shown = response.headers.get("X-Tbviz-Positions") ?? "";
      return {
        png: await bytes(response),
        positions: shown === "" ? [] : shown.split(",").map(Number),
      };
    },
    signal,
  );
}
