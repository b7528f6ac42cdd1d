import { describe, expect, it, vi } from "vitest";
import type { Sheet } from "../../src/draw/png";
import type { SheetRef } from "../../src/model/answers";
import { splitSheets } from "../../src/net/api";
import { Sheets } from "../../src/net/sheets";

const ref = (offset: number): SheetRef => ({ writer: "a", offset, length: 1, crc: 7 });

/** Bytes [n] decode to a sheet of 1000 pixels of n. */
const decode = async (bytes: Uint8Array): Promise<Sheet> => ({
  width: 100,
  height: 10,
  channels: 1,
  pixels: new Uint8Array(1000).fill(bytes[0] ?? 0),
  ranges: null,
  text: null,
});

function source() {
  return {
    one: vi.fn(async (_: string, r: SheetRef) => new Uint8Array([r.offset])),
    many: vi.fn(async (_: string, refs: readonly SheetRef[], signal?: AbortSignal) => {
      await new Promise((resolve) => setTimeout(resolve, 5));
      signal?.throwIfAborted();
      return refs.map((r) => (r.offset === 99 ? null : new Uint8Array([r.offset])));
    }),
    decode,
  };
}

describe("sheets", () => {
  it("are fetched once", async () => {
    const from = source();
    const sheets = new Sheets(from);
    const sheet = await sheets.load("run", ref(3));
    expect(sheet.pixels[0]).toBe(3);
    expect(await sheets.load("run", ref(3))).toBe(sheet);
    expect(from.one).toHaveBeenCalledTimes(1);
  });

  it("of two runs are not taken for each other", async () => {
    const from = source();
    const sheets = new Sheets(from);
    await sheets.load("a", ref(3));
    expect(sheets.peek("b", ref(3))).toBeUndefined();
  });

  it("least recently used are dropped first when the budget is spent", async () => {
    const sheets = new Sheets(source(), 3000);
    await sheets.load("run", ref(1));
    await sheets.load("run", ref(2));
    sheets.peek("run", ref(1));
    await sheets.load("run", ref(3));
    expect(sheets.peek("run", ref(1))).toBeDefined();
    expect(sheets.peek("run", ref(2))).toBeUndefined();
    expect(sheets.size).toBeLessThanOrEqual(3000);
  });

  it("ahead come in one request, and a load joins it", async () => {
    const from = source();
    const sheets = new Sheets(from);
    const ahead = sheets.prefetch("run", [ref(1), ref(2), ref(3)]);
    expect(sheets.has("run", ref(2))).toBe(true);
    expect((await sheets.load("run", ref(2))).pixels[0]).toBe(2);
    await ahead;
    expect(from.many).toHaveBeenCalledTimes(1);
    expect(from.one).not.toHaveBeenCalled();
  });

  it("of a batch that was aborted are requested alone", async () => {
    const from = source();
    const sheets = new Sheets(from);
    const first = sheets.prefetch("run", [ref(1), ref(2)]);
    const load = sheets.load("run", ref(1));
    const second = sheets.prefetch("run", [ref(5)]);
    expect((await load).pixels[0]).toBe(1);
    await Promise.all([first, second]);
    expect(from.one).toHaveBeenCalledTimes(1);
    expect(sheets.peek("run", ref(5))).toBeDefined();
    expect(sheets.peek("run", ref(2))).toBeUndefined();
  });

  it("that cannot be read do not spoil their batch", async () => {
    const sheets = new Sheets(source());
    await sheets.prefetch("run", [ref(99), ref(4)]);
    expect(sheets.peek("run", ref(99))).toBeUndefined();
    expect(sheets.peek("run", ref(4))).toBeDefined();
  });

  it("are at most 64 per request", async () => {
    const from = source();
    await new Sheets(from).prefetch(
      "run",
      Array.from({ length: 80 }, (_, i) => ref(i)),
    );
    expect(from.many.mock.calls[0]?.[1]).toHaveLength(64);
  });

  it("are not fetched for a request that was aborted", async () => {
    const controller = new AbortController();
    controller.abort();
    const from = source();
    await expect(new Sheets(from).load("run", ref(1), controller.signal)).rejects.toThrow();
    expect(from.one).not.toHaveBeenCalled();
  });
});

describe("the answer of ./sheets", () => {
  it("is split into its sheets, with null for what could not be read", () => {
    const bytes = new Uint8Array([2, 0, 0, 0, 8, 9, 255, 255, 255, 255, 1, 0, 0, 0, 7]);
    const [first, second, third, fourth] = splitSheets(bytes, 4);
    expect(Array.from(first ?? [])).toEqual([8, 9]);
    expect(second).toBeNull();
    expect(Array.from(third ?? [])).toEqual([7]);
    expect(fourth).toBeNull();
  });

  it("that is cut off gives null for what is not whole", () => {
    expect(splitSheets(new Uint8Array([5, 0, 0, 0, 1, 2]), 1)).toEqual([null]);
  });
});
