/** The tabs and the choice within one: which kinds the run has, and the way from one to another. */

import { batch, computed, effect } from "@preact/signals";
import type { Stop } from "../host/stops";
import { splitKind } from "../model/families";
import { byFamily } from "../model/tabs";
import { chosenLayer } from "./layer";
import { nearestLayer } from "./layers";
import { kindsOfRun, pathOf } from "./logged";
import { kind, requestedKind, showKind } from "./selection";

/** The kinds of each family of the run, in the order of the tabs. */
export const families = computed(() => byFamily(kindsOfRun.value));
/** The family that is shown. */
export const family = computed(() => (kind.value === null ? null : splitKind(kind.value)[0]));
/** The kinds of the family that is shown. */
export const variants = computed(() => families.value.get(family.value ?? "") ?? []);

/** The last chosen kind of each family. */
const last = new Map<string, string>();

function rememberKind(): void {
  // What is shown where a layer lacks the chosen one is no choice.
  if (kind.value !== null && kind.value === requestedKind.value) {
    last.set(splitKind(kind.value)[0], kind.value);
  }
}

export const connectKinds = (): Stop => effect(rememberKind);

export const openKind = (requested: string) => showKind(requested, nearestLayer);

/** Open a family: the kind of it that was chosen last; while the layer lacks it, another. */
export function openFamily(name: string): void {
  const kinds = families.peek().get(name) ?? [];
  const there = kinds.filter((kind) => pathOf(kind, chosenLayer()) !== null);
  const offered = there.length > 0 ? there : kinds;
  const before = last.get(name);
  const next = before !== undefined && offered.includes(before) ? before : offered[0];
  if (next === undefined) return;
  batch(() => {
    openKind(next);
    if (before !== undefined) requestedKind.value = before;
  });
}

function next<T>(list: readonly T[], present: T, by: 1 | -1): T | undefined {
  return list[(list.indexOf(present) + by + list.length) % list.length];
}

export function moveFamily(by: 1 | -1): void {
  const to = next([...families.peek().keys()], family.peek() ?? "", by);
  if (to !== undefined) openFamily(to);
}

export function moveVariant(): void {
  const to = next(variants.peek(), kind.peek() ?? "", 1);
  if (to !== undefined) openKind(to);
}
