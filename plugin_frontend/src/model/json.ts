/** JSON as the plugin speaks it: what is not finite is a string. */

export type NonFinite = "NaN" | "Infinity" | "-Infinity";
export type JsonNumber = number | NonFinite;
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** The number behind a JSON number; null (there is none) stays null. */
export function toNumber(value: JsonNumber): number;
export function toNumber(value: JsonNumber | null): number | null;
export function toNumber(value: JsonNumber | null): number | null {
  if (value === null || typeof value === "number") return value;
  if (value === "Infinity") return Number.POSITIVE_INFINITY;
  return value === "-Infinity" ? Number.NEGATIVE_INFINITY : Number.NaN;
}

/** A field of a JSON object, undefined for anything else. */
export function field(value: Json | undefined, name: string): Json | undefined {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value[name]
    : undefined;
}
