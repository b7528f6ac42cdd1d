/**
 * Layer health. A long run has megabytes of it, so it is asked for part by part, as it is looked
 * at; what has come is kept, and grows while it is looked at.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import { getHealth, type HealthAnswer, type HealthPart } from "../api";
import { type Dense, lastAt, numbers, place } from "../byPosition";
import { Ordinals } from "../positions";
import { cursor } from "./cursor";
import { follower, keyed } from "./follower";
import { heads, run } from "./run";
import { healthLayers } from "./selection";

type ByLayer = ReadonlyMap<string, Dense>;

export interface Health {
  layers: readonly string[];
  channels: ReadonlyMap<string, number | null>;
  /** The statistics that the run has, here or not. */
  names: readonly string[];
  /** Those that are here: statistic, then layer, to one value a position. */
  numbers: ReadonlyMap<string, ByLayer>;
  /** Layers of which all statistics are here. */
  whole: ReadonlySet<string>;
}

/** What holds of a layer from a position on, in a line; null: what held does no more. */
interface Told {
  ordinal: number;
  layer: string;
  rule: string;
  text: string | null;
}

export interface Advice extends Told {
  text: string;
}

export const health = signal<Health | null>(null);
/** The mean output of each layer at some positions: enough for a small line. */
export const sparks = signal<ByLayer>(new Map());
/** Changes, in the order of positions. */
export const told = signal<readonly Told[]>([]);
/** The same of layers that are not finite; the text says what they are: "NaN", "infinite". */
export const broken = signal<readonly Told[]>([]);

/** Asked for at once: it says which layers there are too, and what to do about them. */
export const BASE: HealthPart = { names: "dead" };
export const SPARKS: HealthPart = { names: "mean", points: 64 };

function addLists(held: ByLayer | undefined, answer: HealthAnswer, name: string): ByLayer {
  const ordinals = new Ordinals(answer.positions);
  const out = new Map(held);
  answer.layers.forEach((layer, i) => {
    const values = answer.numbers[name]?.[i];
    if (values !== undefined) out.set(layer, place(out.get(layer), ordinals, numbers(values)));
  });
  return out;
}

/** Parts of one run may come in any order: a later answer never holds less than is known. */
const longer = (held: readonly string[], fresh: readonly string[]) =>
  fresh.length >= held.length ? fresh : held;

export function addHealth(held: Health | null, part: HealthPart, answer: HealthAnswer): Health {
  const lists = new Map(held?.numbers);
  for (const name of Object.keys(answer.numbers)) {
    lists.set(name, addLists(lists.get(name), answer, name));
  }
  const { layer } = part;
  return {
    layers: layer === undefined ? longer(held?.layers ?? [], answer.layers) : (held?.layers ?? []),
    channels: new Map([
      ...(held?.channels ?? []),
      ...answer.layers.map((path, i) => [path, answer.channels[i] ?? null] as const),
    ]),
    names: longer(held?.names ?? [], answer.names ?? [...lists.keys()]),
    numbers: lists,
    whole: layer === undefined ? (held?.whole ?? new Set()) : new Set(held?.whole).add(layer),
  };
}

/** What holds at the beginning of an answer is told in it anew. */
export function addTold(held: readonly Told[], answer: HealthAnswer): readonly Told[] {
  return [
    ...held.filter(({ ordinal }) => ordinal < answer.since),
    ...(answer.advice ?? []).map(([ordinal, layer, rule, text]) => ({
      ordinal,
      layer,
      rule,
      text,
    })),
  ];
}

export function addBroken(held: readonly Told[], answer: HealthAnswer): readonly Told[] {
  const fresh = answer.not_finite ?? [];
  return [
    ...held.filter(({ ordinal }) => ordinal < answer.since),
    ...fresh.map(([ordinal, layer, text]) => ({ ordinal, layer, rule: "", text })),
  ];
}

const keyOf = (part: HealthPart) => JSON.stringify(part);

function take(part: HealthPart, answer: HealthAnswer): void {
  // Of fewer points than there are positions: no values to be read off.
  if (part.points !== undefined) {
    sparks.value = addLists(sparks.peek(), answer, part.names ?? "");
    return;
  }
  batch(() => {
    const now = addHealth(health.peek(), part, answer);
    health.value = now;
    // The same list anew would have all that hangs on it asked and drawn again.
    if (now.layers.join("\n") !== healthLayers.peek()?.join("\n")) healthLayers.value = now.layers;
    if (part !== BASE) return;
    told.value = addTold(told.peek(), answer);
    broken.value = addBroken(broken.peek(), answer);
  });
}

const followBase = partFollower(BASE);
const baseKey = keyOf(BASE);
const followers = keyed((key) => partFollower(JSON.parse(key) as HealthPart));

function partFollower(part: HealthPart) {
  return follower(
    (name, since) => getHealth(name, since, part),
    (answer) => take(part, answer),
  );
}

/** Key of a part to how many look at it. */
const subscribed = signal<ReadonlyMap<string, number>>(new Map());

/** Have a part asked for, and kept up to date until what this gives is called. */
export function subscribe(part: HealthPart): () => void {
  const key = keyOf(part);
  const count = (by: number) => {
    const now = new Map(subscribed.peek());
    const left = (now.get(key) ?? 0) + by;
    if (left > 0) now.set(key, left);
    else now.delete(key);
    subscribed.value = now;
  };
  count(1);
  return () => count(-1);
}

function latest(): [string, number] | null {
  const [name, last] = [run.peek(), heads.peek()?.latest.health ?? null];
  return name === null || last === null ? null : [name, last];
}

export async function refreshBase(): Promise<void> {
  const now = latest();
  if (now !== null) await followBase(...now);
}

/** Bring what is looked at up to date. */
export async function refreshParts(): Promise<void> {
  const now = latest();
  if (now === null) return;
  const keys = [...subscribed.peek().keys()].filter((key) => key !== baseKey);
  await Promise.all(keys.map((key) => followers(key)(...now)));
}

// What is looked at later need not wait for the next poll; the first parts have their turn.
effect(() => {
  void subscribed.value;
  untracked(() => {
    if (health.peek() !== null) void refreshParts();
  });
});

export function clearHealth(): void {
  health.value = null;
  sparks.value = new Map();
  told.value = [];
  broken.value = [];
  healthLayers.value = null;
}

/** One health number of a layer at the last record at or before an ordinal. */
export function healthAt(layer: string, statistic: string, ordinal: number): number | undefined {
  return lastAt(health.value?.numbers.get(statistic)?.get(layer), ordinal);
}

/** What holds at an ordinal: of each layer and rule the last that was told. */
export function holding(list: readonly Told[], ordinal: number): Advice[] {
  const last = new Map<string, Told>();
  for (const one of list) {
    if (one.ordinal <= ordinal) last.set(`${one.layer}\n${one.rule}`, one);
  }
  return [...last.values()].filter((one): one is Advice => one.text !== null);
}

/** The layers that are not finite at the cursor. */
export const brokenNow = computed(() => holding(broken.value, cursor.value));

/** What a layer is at the cursor where it is not finite, and from which position on. */
export const brokenAt = (layer: string | null): Advice | undefined =>
  brokenNow.value.find((one) => one.layer === layer);

/** What to do about the layers as they are at the cursor. */
export const adviceNow = computed(() => holding(told.value, cursor.value));
