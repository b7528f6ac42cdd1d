/** The tree of layers as it is shown, and the way through it. */

import { computed, signal } from "@preact/signals";
import { plural } from "../model/format";
import { buildTree, matcher, type Row, rows } from "../model/tree";
import { layer } from "./layer";
import { healthLayers, kindsOf, WHOLE } from "./logged";
import { runIndex } from "./run";
import { path, selectLayer } from "./selection";
import { model } from "./tables";

export const filter = signal("");
export const collapsed = signal<ReadonlySet<string>>(new Set());

const drawn = computed(() => {
  const paths = new Set<string>();
  for (const series of runIndex.value?.series.values() ?? []) paths.add(series.layer);
  for (const path of healthLayers.value ?? []) paths.add(path);
  paths.delete(WHOLE);
  return paths;
});

export const roots = computed(() => buildTree(model.value?.nodes ?? [], drawn.value));

/** The row above all layers, where something was logged of the model as a whole. */
const wholeRow = computed<Row[]>(() => {
  if (kindsOf(WHOLE).length === 0 || filter.value !== "") return [];
  const { parameters = null } = model.value ?? {};
  const about = parameters === null ? "all layers together" : plural(parameters, "parameter");
  const node = { path: WHOLE, name: "Whole model", class: about, parent: null };
  const row = { depth: 0, expanded: null, matches: true };
  return [{ ...row, node: { ...node, model: null, children: [] } }];
});

export const visibleRows = computed<Row[]>(() => [
  ...wholeRow.value,
  ...rows(roots.value, collapsed.value, filter.value),
]);
export const filterIsValid = computed(() => matcher(filter.value) !== null);
export const matchCount = computed(() => visibleRows.value.filter((row) => row.matches).length);
export const layerCount = computed(() => rows(roots.value, new Set(), "").length);

/** Rows that can be opened: those with a picture or numbers. */
const selectableRows = computed(() =>
  visibleRows.value.filter((row) => row.matches && kindsOf(row.node.path).length > 0),
);

/** Return whether a path is a layer of the run: drawn, measured or in the model. */
export function isLayer(path: string): boolean {
  return drawn.value.has(path) || (model.value?.nodes ?? []).some((node) => node.path === path);
}

/** Return the layer that is nearest in the tree to the open layer. */
export function nearestLayer(layers: readonly string[]): string | undefined {
  const order = rows(roots.peek(), new Set(), "").map((row) => row.node.path);
  const here = order.indexOf(layer.peek() ?? "");
  const distance = (path: string) => Math.abs(order.indexOf(path) - here);
  return [...layers].sort((a, b) => distance(a) - distance(b))[0];
}

export function toggle(path: string, open?: boolean): void {
  const next = new Set(collapsed.peek());
  if (open ?? next.has(path)) next.delete(path);
  else next.add(path);
  collapsed.value = next;
}

export function moveLayer(by: 1 | -1): void {
  const list = selectableRows.peek();
  const at = list.findIndex((row) => row.node.path === path.peek());
  const next = list[at < 0 ? 0 : at + by];
  if (next !== undefined) selectLayer(next.node.path);
}

/** Return the layer to open first: the first one with feature maps, a convolution if there is one. */
export function firstLayer(): string | null {
  const list = selectableRows.value.map((row) => row.node).filter((node) => node.path !== WHOLE);
  const convolution = list.find(
    (node) => /conv/i.test(node.class) && kindsOf(node.path).includes("activations"),
  );
  const pictured = list.find((node) => kindsOf(node.path).includes("activations"));
  return (convolution ?? pictured ?? list[0])?.path ?? null;
}
