import type { HealthAnswer, HealthQuery } from "./answers";
import { type ByPosition, mergeValues, numbers } from "./byPosition";
import { Ordinals } from "./positions";

export type ByLayer = ReadonlyMap<string, ByPosition>;

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
export interface StatusChange {
  ordinal: number;
  layer: string;
  rule: string;
  text: string | null;
}

export interface ActiveStatus extends StatusChange {
  text: string;
}

export function addLists(held: ByLayer | undefined, answer: HealthAnswer, name: string): ByLayer {
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

export type Changes = readonly StatusChange[];

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

/** Return what is active at an ordinal: the last change per layer and rule. */
export function activeAt(list: readonly StatusChange[], ordinal: number): ActiveStatus[] {
  const last = new Map<string, StatusChange>();
  for (const one of list) {
    if (one.ordinal <= ordinal) last.set(`${one.layer}\n${one.rule}`, one);
  }
  return [...last.values()].filter((one): one is ActiveStatus => one.text !== null);
}
