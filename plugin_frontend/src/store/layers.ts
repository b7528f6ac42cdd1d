/** The tree of layers as it is shown, and the way through it. */

import { computed, signal } from "@preact/signals";
import { buildTree, matcher, type Row, rows } from "../tree";
import { heads } from "./run";
import { healthLayers, kindsOf, layer, selectLayer } from "./selection";
import { model } from "./tables";

export const filter = signal("");
export const collapsed = signal<ReadonlySet<string>>(new Set());

const drawn = computed(() => {
  const paths = new Set<string>();
  for (const series of heads.value?.series.values() ?? []) paths.add(series.layer);
  for (const path of healthLayers.value) paths.add(path);
  return paths;
});

export const roots = computed(() => buildTree(model.value?.nodes ?? [], drawn.value));
export const visibleRows = computed<Row[]>(() => rows(roots.value, collapsed.value, filter.value));
export const filterIsValid = computed(() => matcher(filter.value) !== null);
export const matchCount = computed(() => visibleRows.value.filter((row) => row.matches).length);
export const layerCount = computed(() => rows(roots.value, new Set(), "").length);

/** Rows one can look at: those with a picture or numbers. */
const lookable = computed(() =>
  visibleRows.value.filter((row) => row.matches && kindsOf(row.node.path).length > 0),
);

/** Whether a path is a layer of the run: drawn, measured or in the model. */
export function isLayer(path: string): boolean {
  return drawn.value.has(path) || (model.value?.nodes ?? []).some((node) => node.path === path);
}

export function toggle(path: string, open?: boolean): void {
  const next = new Set(collapsed.peek());
  if (open ?? next.has(path)) next.delete(path);
  else next.add(path);
  collapsed.value = next;
}

export function moveLayer(by: 1 | -1): void {
  const list = lookable.peek();
  const at = list.findIndex((row) => row.node.path === layer.peek());
  const next = list[at < 0 ? 0 : at + by];
  if (next !== undefined) selectLayer(next.node.path);
}

/** What is opened first: the first layer with feature maps that is not the input's own. */
export function firstLayer(): string | null {
  const list = lookable.value.map((row) => row.node);
  const convolution = list.find(
    (node) => /conv/i.test(node.class) && kindsOf(node.path).includes("activations"),
  );
  const pictured = list.find((node) => kindsOf(node.path).includes("activations"));
  return (convolution ?? pictured ?? list[0])?.path ?? null;
}
