/**
 * Decoded sheets, the least recently used dropped first. Neighbors in the direction of travel
 * are fetched in one request; a newer request aborts the one before it.
 */

import type { Sheet } from "../draw/png";
import type { SheetRef } from "../model/answers";

export interface Source {
  one: (run: string, ref: SheetRef, signal?: AbortSignal) => Promise<Uint8Array>;
  many: (
    run: string,
    refs: readonly SheetRef[],
    signal?: AbortSignal,
  ) => Promise<(Uint8Array | null)[]>;
  decode: (bytes: Uint8Array) => Promise<Sheet>;
}

const BUDGET = 128 * 2 ** 20;
const BATCH = 64;

export class Sheets {
  private readonly held = new Map<string, Sheet>();
  private readonly pending = new Map<string, Promise<Sheet>>();
  private bytes = 0;
  private ahead: AbortController | null = null;

  constructor(
    private readonly source: Source,
    private readonly budget = BUDGET,
  ) {}

  /** Return the sheet if it is cached; counts as use. */
  peek(run: string, ref: SheetRef): Sheet | undefined {
    const key = keyOf(run, ref);
    const sheet = this.held.get(key);
    if (sheet !== undefined) {
      this.held.delete(key);
      this.held.set(key, sheet);
    }
    return sheet;
  }

  /** Return whether it is cached or loading. */
  has(run: string, ref: SheetRef): boolean {
    const key = keyOf(run, ref);
    return this.held.has(key) || this.pending.has(key);
  }

  async load(run: string, ref: SheetRef, signal?: AbortSignal): Promise<Sheet> {
    const key = keyOf(run, ref);
    const here = this.peek(run, ref);
    if (here !== undefined) return here;
    const coming = this.pending.get(key);
    if (coming !== undefined) {
      try {
        return await coming;
      } catch {
        // Its batch was aborted or failed: request it alone.
      }
    }
    signal?.throwIfAborted();
    const bytes = await this.source.one(run, ref, signal);
    return this.keep(key, await this.source.decode(bytes));
  }

  /** Fetch what is not cached, at most 64; replaces the last prefetch if it is still running. */
  async prefetch(run: string, refs: readonly SheetRef[]): Promise<void> {
    const missing = refs.filter((ref) => !this.has(run, ref)).slice(0, BATCH);
    if (missing.length === 0) return;
    this.ahead?.abort();
    const controller = new AbortController();
    this.ahead = controller;
    const batch = this.source.many(run, missing, controller.signal);
    const each = missing.map((ref, i) => {
      const key = keyOf(run, ref);
      const sheet = batch.then(async (answers) => {
        const bytes = answers[i];
        if (bytes == null) throw new Error("this sheet of a batch cannot be read");
        return this.keep(key, await this.source.decode(bytes));
      });
      this.pending.set(key, sheet);
      const done = () => {
        if (this.pending.get(key) === sheet) this.pending.delete(key);
      };
      return sheet.then(done, done);
    });
    await Promise.all(each);
    if (this.ahead === controller) this.ahead = null;
  }

  /** Decoded bytes held. */
  get size(): number {
    return this.bytes;
  }

  private keep(key: string, sheet: Sheet): Sheet {
    const twin = this.held.get(key);
    if (twin !== undefined) return twin;
    this.held.set(key, sheet);
    this.bytes += weight(sheet);
    for (const [oldest, dropped] of this.held) {
      if (this.bytes <= this.budget || oldest === key) break;
      this.held.delete(oldest);
      this.bytes -= weight(dropped);
    }
    return sheet;
  }
}

function keyOf(run: string, ref: SheetRef): string {
  return `${ref.writer}:${ref.offset}:${ref.length}:${ref.crc}:${run}`;
}

function weight(sheet: Sheet): number {
  return sheet.pixels.byteLength + (sheet.ranges?.byteLength ?? 0) + 256;
}
