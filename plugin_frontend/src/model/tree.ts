/** (the model's nodes, the layers that have pictures, a filter) => rows of a tree. */

import type { ModelNode } from "./answers";

export interface Node {
  path: string;
  name: string;
  class: string;
  parent: string | null;
  /** Null if the layer is not in the logged model, but has pictures. */
  model: ModelNode | null;
  children: Node[];
}

export interface Row {
  node: Node;
  depth: number;
  /** Null for a leaf. */
  expanded: boolean | null;
  /** Whether the row itself matches the filter, not only a child of it. */
  matches: boolean;
}

/**
 * Roots of the tree. Layers that the model does not name stand under the path they begin with.
 * A layer whose parents are not all known is named by its path: `conv` alone may be any of fifty.
 */
export function buildTree(nodes: readonly ModelNode[], layers: Iterable<string>): Node[] {
  const byPath = new Map<string, Node>();
  const roots: Node[] = [];
  const add = (node: Node) => {
    byPath.set(node.path, node);
    const parent = node.parent === null ? undefined : byPath.get(node.parent);
    (parent?.children ?? roots).push(node);
  };
  const adopt = (path: string, model: ModelNode | null) => {
    const parent = nearestAncestor(path, byPath);
    const name = parent === null ? path : path.slice(parent.length).replace(/^[/#]/, "");
    add({ path, name, class: model?.class ?? "", parent, model, children: [] });
  };
  for (const model of nodes) {
    const { path, name, parent } = model;
    if (parent === null ? /[/#]/.test(path) : !byPath.has(parent)) adopt(path, model);
    else add({ path, name, class: model.class, parent, model, children: [] });
  }
  for (const path of layers) {
    if (!byPath.has(path)) adopt(path, null);
  }
  return roots;
}

function nearestAncestor(path: string, byPath: ReadonlyMap<string, Node>): string | null {
  for (let at = path.length - 1; at > 0; at--) {
    const char = path[at];
    if ((char === "/" || char === "#") && byPath.has(path.slice(0, at))) return path.slice(0, at);
  }
  return null;
}

/** A filter as a test of paths; null for one that is no regular expression. */
export function matcher(filter: string): ((path: string) => boolean) | null {
  if (filter === "") return () => true;
  try {
    const expression = new RegExp(filter, "i");
    return (path) => expression.test(path);
  } catch {
    return null;
  }
}

/** The rows to show, in order: under a filter its matches with their parents, all of them open. */
export function rows(
  roots: readonly Node[],
  collapsed: ReadonlySet<string>,
  filter: string,
): Row[] {
  const meets = matcher(filter) ?? (() => true);
  const filtering = filter !== "";
  const out: Row[] = [];
  const walk = (node: Node, depth: number): boolean => {
    const at = out.length;
    const matches = meets(node.path);
    const leaf = node.children.length === 0;
    const expanded = leaf ? null : filtering || !collapsed.has(node.path);
    out.push({ node, depth, expanded, matches });
    let visible = matches;
    if (filtering || expanded === true) {
      for (const child of node.children) visible = walk(child, depth + 1) || visible;
    }
    if (!visible) out.length = at;
    return visible;
  };
  for (const root of roots) walk(root, 0);
  return out;
}

/** "29 × 29 × 64"; what is unknown is "?". */
export function shapeText(shape: readonly (number | null)[] | null | undefined): string {
  if (shape === null || shape === undefined) return "";
  return shape.length === 0 ? "scalar" : shape.map((size) => size ?? "?").join(" × ");
}
