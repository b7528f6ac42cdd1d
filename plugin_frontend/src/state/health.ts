/**
 * Layer health. A long run has megabytes of it, so only the parts that are on the screen are
 * requested; they are cached, and grow while they are on the screen.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { HealthAnswer, HealthQuery } from "../model/answers";
import { type ByPosition, lastValueAt, mergeValues, numbers } from "../model/byPosition";
import { Ordinals } from "../model/positions";
import { getHealth } from "../net/api";
import { cursor } from "./cursor";
import { follower, keyed } from "./follower";
import { run, runIndex } from "./run";
import { healthLayers } from "./selection";

type ByLayer = ReadonlyMap<string, ByPosition>;

export interface Health {
  layers: readonly string[];
  channels: ReadonlyMap<string, number | null>;
  /** The statistics that the run has, loaded or not. */
  names: readonly string[];
  /** The loaded ones: statistic, then layer, to one value per position. */
  numbers: ReadonlyMap<string, ByLayer>;
  /** Layers whose statistics are all loaded. */
  complete: ReadonlySet<string>;
}

/** The status of a layer from a position on, in a line; null: it ended. */
interface StatusChange {
  ordinal: number;
  layer: string;
  rule: string;
  text: string | null;
}

export interface ActiveStatus extends StatusChange {
  text: string;
}

export const health = signal<Health | null>(null);
/** The mean output of each layer at some positions: enough for a small line. */
export const sparks = signal<ByLayer>(new Map());
/** Changes of advice, in the order of positions. */
export const adviceChanges = signal<readonly StatusChange[]>([]);
/** The same for layers that are not finite; the text is "NaN" or "infinite". */
export const nonFiniteChanges = signal<readonly StatusChange[]>([]);

/** Requested first: its answer also lists the layers, and the advice for them. */
export const BASE_QUERY: HealthQuery = { names: "dead" };
export const SPARKS_QUERY: HealthQuery = { names: "mean", points: 64 };

function addLists(held: ByLayer | undefined, answer: HealthAnswer, name: string): ByLayer {
  const ordinals = new Ordinals(answer.positions);
  const out = new Map(held);
  answer.layers.forEach((layer, i) => {
    const values = answer.numbers[name]?.[i];
    if (values !== undefined)
      out.set(layer, mergeValues(out.get(layer), ordinals, numbers(values)));
  });
  return out;
}

/** Return the longer list: answers may arrive in any order, and none may take names away. */
const longerList = (held: readonly string[], fresh: readonly string[]) =>
  fresh.length >= held.length ? fresh : held;

export function addHealth(held: Health | null, query: HealthQuery, answer: HealthAnswer): Health {
  const lists = new Map(held?.numbers);
  for (const name of Object.keys(answer.numbers)) {
    lists.set(name, addLists(lists.get(name), answer, name));
  }
  const { layer } = query;
  return {
    layers:
      layer === undefined ? longerList(held?.layers ?? [], answer.layers) : (held?.layers ?? []),
    channels: new Map([
      ...(held?.channels ?? []),
      ...answer.layers.map((path, i) => [path, answer.channels[i] ?? null] as const),
    ]),
    names: longerList(held?.names ?? [], answer.names ?? [...lists.keys()]),
    numbers: lists,
    complete:
      layer === undefined ? (held?.complete ?? new Set()) : new Set(held?.complete).add(layer),
  };
}

type Changes = readonly StatusChange[];

/** Merge changes: those of an answer replace all from its beginning on. */
const merge = (held: Changes, since: number, fresh: Changes): Changes =>
  held.filter(({ ordinal }) => ordinal < since).concat(fresh);

/** Merge changes of advice: an answer repeats what holds at its beginning. */
export const addAdvice = (held: Changes, { since, advice = [] }: HealthAnswer) =>
  merge(
    held,
    since,
    advice.map(([ordinal, layer, rule, text]) => ({ ordinal, layer, rule, text })),
  );

export const addNonFinite = (held: Changes, { since, not_finite: changes = [] }: HealthAnswer) =>
  merge(
    held,
    since,
    changes.map(([ordinal, layer, text]) => ({ ordinal, layer, rule: "", text })),
  );

const keyOf = (query: HealthQuery) => JSON.stringify(query);

function take(query: HealthQuery, answer: HealthAnswer): void {
  // Too few points to read values from.
  if (query.points !== undefined) {
    sparks.value = addLists(sparks.peek(), answer, query.names ?? "");
    return;
  }
  batch(() => {
    const now = addHealth(health.peek(), query, answer);
    health.value = now;
    // A new but equal list would request and draw everything again that depends on it.
    if (now.layers.join("\n") !== healthLayers.peek()?.join("\n")) healthLayers.value = now.layers;
    if (query !== BASE_QUERY) return;
    adviceChanges.value = addAdvice(adviceChanges.peek(), answer);
    nonFiniteChanges.value = addNonFinite(nonFiniteChanges.peek(), answer);
  });
}

const followBase = queryFollower(BASE_QUERY);
const baseKey = keyOf(BASE_QUERY);
const followers = keyed((key) => queryFollower(JSON.parse(key) as HealthQuery));

function queryFollower(query: HealthQuery) {
  return follower(
    (name, since) => getHealth(name, since, query),
    (answer) => take(query, answer),
  );
}

/** Key of a query to the number of its subscribers. */
const subscribed = signal<ReadonlyMap<string, number>>(new Map());

/** Request a part and keep it up to date until the returned function is called. */
export function subscribe(query: HealthQuery): () => void {
  const key = keyOf(query);
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
  const [name, last] = [run.peek(), runIndex.peek()?.latest.health ?? null];
  return name === null || last === null ? null : [name, last];
}

export async function refreshBase(): Promise<void> {
  const now = latest();
  if (now !== null) await followBase(...now);
}

/** Bring the subscribed parts up to date. */
export async function refreshQueries(): Promise<void> {
  const now = latest();
  if (now === null) return;
  const keys = [...subscribed.peek().keys()].filter((key) => key !== baseKey);
  await Promise.all(keys.map((key) => followers(key)(...now)));
}

// A later subscription need not wait for the next poll; the first ones come with the tables.
effect(() => {
  void subscribed.value;
  untracked(() => {
    if (health.peek() !== null) void refreshQueries();
  });
});

export function clearHealth(): void {
  health.value = null;
  sparks.value = new Map();
  adviceChanges.value = [];
  nonFiniteChanges.value = [];
  healthLayers.value = null;
}

/** Return a statistic of a layer at the last snapshot at or before an ordinal. */
export function healthAt(layer: string, statistic: string, ordinal: number): number | undefined {
  return lastValueAt(health.value?.numbers.get(statistic)?.get(layer), ordinal);
}

/** Return what is active at an ordinal: the last change per layer and rule. */
export function activeAt(list: readonly StatusChange[], ordinal: number): ActiveStatus[] {
  const last = new Map<string, StatusChange>();
  for (const one of list) {
    if (one.ordinal <= ordinal) last.set(`${one.layer}\n${one.rule}`, one);
  }
  return [...last.values()].filter((one): one is ActiveStatus => one.text !== null);
}

/** The layers that are not finite at the cursor. */
export const nonFiniteNow = computed(() => activeAt(nonFiniteChanges.value, cursor.value));

/** Return the status of a layer that is not finite at the cursor: what it is, and since when. */
export const nonFiniteAt = (layer: string | null): ActiveStatus | undefined =>
  nonFiniteNow.value.find((one) => one.layer === layer);

/** The advice that is active at the cursor. */
export const adviceNow = computed(() => activeAt(adviceChanges.value, cursor.value));
