/**
 * Layer health. A long run has megabytes of it, so only the parts that are on the screen are
 * requested; they are cached, and grow while they are on the screen.
 */

import { batch, computed, effect, signal, untracked } from "@preact/signals";
import type { Stop } from "../host/stops";
import type { HealthAnswer, HealthQuery } from "../model/answers";
import { lastValueAt } from "../model/byPosition";
import {
  type ActiveStatus,
  activeAt,
  addAdvice,
  addHealth,
  addLists,
  addNonFinite,
  type ByLayer,
  type Health,
  type StatusChange,
} from "../model/health";
import { getHealth } from "../net/api";
import { cursor } from "./cursor";
import { follower, keyed } from "./follower";
import { healthLayers } from "./logged";
import { run, runIndex } from "./run";

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

const keyOf = (query: HealthQuery) => JSON.stringify(query);

export function take(query: HealthQuery, answer: HealthAnswer): void {
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
function refreshSubscribed(): void {
  void subscribed.value;
  untracked(() => {
    if (health.peek() !== null) void refreshQueries();
  });
}

export const connectHealth = (): Stop => effect(refreshSubscribed);

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

/** The layers that are not finite at the cursor. */
export const nonFiniteNow = computed(() => activeAt(nonFiniteChanges.value, cursor.value));

/** Return the status of a layer that is not finite at the cursor: what it is, and since when. */
export const nonFiniteAt = (layer: string | null): ActiveStatus | undefined =>
  nonFiniteNow.value.find((one) => one.layer === layer);

/** The advice that is active at the cursor. */
export const adviceNow = computed(() => activeAt(adviceChanges.value, cursor.value));
