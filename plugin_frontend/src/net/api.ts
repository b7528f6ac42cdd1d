/** The routes of the plugin (`tbviz/plugin/http_api.md`), typed; relative addresses only. */

import type {
  ChannelsAnswer,
  CostSegment,
  HealthAnswer,
  HealthQuery,
  IndexAnswer,
  ModelAnswer,
  PredictionsAnswer,
  RunsAnswer,
  ScalarsAnswer,
  SeriesAnswer,
  SheetRef,
} from "../model/answers";
import { bytes, json, request } from "./request";

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
