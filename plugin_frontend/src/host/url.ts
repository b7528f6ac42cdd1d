/**
 * The state of the page <=> the part of TensorBoard's address behind `#`.
 *
 * `#tbviz&p.tbviz.layer=conv1&p.tbviz.step=12`. Keys that are not ours, and ours that are not
 * known, stay as they are.
 */

const PREFIX = "p.tbviz.";

/** What a view is named by; the order is that of the address. */
export const KEYS = [
  "run",
  "kind",
  "layer",
  "channel",
  "image",
  "tile",
  "step",
  "A",
  "range",
  "map",
  "filter",
  "smoothing",
  "statistic",
  "metrics",
  "strength",
  "view",
] as const;
export type Key = (typeof KEYS)[number];
export type Address = Partial<Record<Key, string>>;

const known = new Set<string>(KEYS);

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** `encodeURIComponent`, but what is harmless in a fragment stays readable. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/%(2F|3A|2C|40)/g, (match) => decodeURIComponent(match));
}

function keyOf(part: string): string {
  const name = decode(part.split("=", 1)[0] ?? "");
  return name.startsWith(PREFIX) ? name.slice(PREFIX.length) : "";
}

export function readHash(hash: string): Address {
  const address: Address = {};
  for (const part of hash.replace(/^#/, "").split("&")) {
    const key = keyOf(part);
    if (known.has(key)) address[key as Key] = decode(part.slice(part.indexOf("=") + 1));
  }
  return address;
}

/** The same hash with our known keys replaced; `name` is the tab, put first where none is. */
export function writeHash(hash: string, address: Address, name = "tbviz"): string {
  const parts = hash.replace(/^#/, "").split("&");
  const foreign = parts.filter((part) => part !== "" && !known.has(keyOf(part)));
  const tab = foreign[0] !== undefined && !foreign[0].includes("=") ? foreign.shift() : name;
  const ours = KEYS.flatMap((key) => {
    const value = address[key];
    return value === undefined || value === "" ? [] : [`${PREFIX}${key}=${encode(value)}`];
  });
  return `#${[tab, ...foreign, ...ours].join("&")}`;
}

/** An integer of at least 0, null for anything else. */
export function parseCount(text: string): number | null {
  return /^\d{1,9}$/.test(text) ? Number(text) : null;
}

/** A number from `low` to `high`, null for anything else. */
export function parseShare(text: string, low: number, high: number): number | null {
  const value = Number(text);
  return text.trim() !== "" && value >= low && value <= high ? value : null;
}

export type RangeRule = "tile" | "layer" | "run" | "extremes" | { low: number; high: number };

/** `tile`, `layer`, `run`, `extremes` or `lo:hi`; null for anything else. */
export function parseRange(text: string): RangeRule | null {
  if (text === "tile" || text === "layer" || text === "run" || text === "extremes") return text;
  const parts = text.split(":");
  const [low, high] = parts.map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
  if (parts.length !== 2 || low === undefined || high === undefined) return null;
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? { low, high } : null;
}

export function formatRange(range: RangeRule): string {
  return typeof range === "string" ? range : `${range.low}:${range.high}`;
}
