/**
 * (bytes of a sheet) => (8-bit intensities, the range of each tile, the text in it).
 *
 * Our own decoder because a canvas that is read back is changed by color management and by the
 * privacy modes of browsers. 8-bit gray and RGB without interlacing: what the store writes.
 */

import type { Json } from "../model/json";

export interface Sheet {
  width: number;
  height: number;
  /** Bytes a pixel: 1 gray levels, 3 RGB. */
  channels: 1 | 3;
  pixels: Uint8Array;
  /** `lo`, `hi` of each tile in turn; null for RGB. */
  ranges: Float32Array | null;
  text: Json | null;
}

const SIGNATURE = [137, 80, 78, 71, 13, 10, 26, 10];

export async function decode(bytes: Uint8Array): Promise<Sheet> {
  if (SIGNATURE.some((byte, i) => bytes[i] !== byte)) {
    throw new Error(`received ${bytes.length} bytes that are not a PNG; expected a picture`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let header: Header | null = null;
  let ranges: Float32Array | null = null;
  let text: Json | null = null;
  const packed: Uint8Array[] = [];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const length = view.getUint32(at);
    const name = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
    const body = at + 8;
    if (body + length + 4 > bytes.length) throw new Error(`the chunk ${name} is cut off`);
    if (name === "IHDR") header = readHeader(view, body);
    else if (name === "tvRG") ranges = readFloats(view, body, length);
    else if (name === "tvTX") {
      text = JSON.parse(new TextDecoder().decode(bytes.subarray(body, body + length))) as Json;
    } else if (name === "IDAT") packed.push(bytes.subarray(body, body + length));
    else if (name === "IEND") break;
    at = body + length + 4;
  }
  if (header === null) throw new Error("the PNG has no header");
  const raw = await inflate(packed);
  return { ...header, pixels: unfilter(raw, header), ranges, text };
}

interface Header {
  width: number;
  height: number;
  channels: 1 | 3;
}

function readHeader(view: DataView, at: number): Header {
  const [depth, color, interlaced] = [8, 9, 12].map((offset) => view.getUint8(at + offset));
  if (depth !== 8 || (color !== 0 && color !== 2) || interlaced !== 0) {
    throw new Error(
      `the PNG has depth ${depth}, color type ${color}, interlace ${interlaced}; expected 8-bit gray or RGB`,
    );
  }
  return {
    width: view.getUint32(at),
    height: view.getUint32(at + 4),
    channels: color === 0 ? 1 : 3,
  };
}

function readFloats(view: DataView, at: number, length: number): Float32Array {
  const floats = new Float32Array(Math.floor(length / 4));
  for (let i = 0; i < floats.length; i++) floats[i] = view.getFloat32(at + 4 * i, true);
  return floats;
}

async function inflate(parts: Uint8Array[]): Promise<Uint8Array> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  const written = [...parts.map((part) => writer.write(part as BufferSource)), writer.close()];
  const [out] = await Promise.all([new Response(stream.readable).arrayBuffer(), ...written]);
  return new Uint8Array(out);
}

/** Undo the row filters of the PNG specification, section 9. */
export function unfilter(raw: Uint8Array, { width, height, channels }: Header): Uint8Array {
  const stride = width * channels;
  if (raw.length < height * (stride + 1)) {
    throw new Error(`${raw.length} bytes of pixels; expected ${height * (stride + 1)}`);
  }
  const out = new Uint8Array(height * stride);
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    const from = y * (stride + 1) + 1;
    const to = y * stride;
    if (filter === 0) {
      out.set(raw.subarray(from, from + stride), to);
      continue;
    }
    for (let x = 0; x < stride; x++) {
      const left = x >= channels ? (out[to + x - channels] ?? 0) : 0;
      const up = y > 0 ? (out[to + x - stride] ?? 0) : 0;
      const corner = x >= channels && y > 0 ? (out[to + x - stride - channels] ?? 0) : 0;
      out[to + x] = (raw[from + x] ?? 0) + predict(filter ?? 0, left, up, corner);
    }
  }
  return out;
}

function predict(filter: number, left: number, up: number, corner: number): number {
  switch (filter) {
    case 1:
      return left;
    case 2:
      return up;
    case 3:
      return (left + up) >> 1;
    case 4: {
      const [a, b, c] = [
        Math.abs(up - corner),
        Math.abs(left - corner),
        Math.abs(left + up - 2 * corner),
      ];
      return a <= b && a <= c ? left : b <= c ? up : corner;
    }
    default:
      throw new Error(`the PNG has the row filter ${filter}; expected 0 to 4`);
  }
}
