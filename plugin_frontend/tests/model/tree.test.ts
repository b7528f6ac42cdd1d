import { describe, expect, it } from "vitest";
import type { ModelNode } from "../../src/model/answers";
import { buildTree, matcher, rows, shapeText } from "../../src/model/tree";

const node = (path: string, parent: string | null = null): ModelNode => ({
  path,
  name: path.split("/").at(-1) ?? path,
  class: "Conv2D",
  parent,
  shape: [8, 8, 4],
  parameters: 10,
  trainable: true,
  config: {},
  kinds: [],
  reason: null,
});

const model = [node("stem"), node("body"), node("body/a", "body"), node("body/b", "body")];
const roots = buildTree(model, ["stem", "body/a", "body/b#1", "lost"]);
const paths = (collapsed: string[], filter: string) =>
  rows(roots, new Set(collapsed), filter).map((row) => `${row.depth} ${row.node.path}`);

describe("the tree of layers", () => {
  it("has the model's order, and under it what only has pictures", () => {
    expect(paths([], "")).toEqual([
      "0 stem",
      "0 body",
      "1 body/a",
      "1 body/b",
      "2 body/b#1",
      "0 lost",
    ]);
    expect(roots[1]?.children[1]?.children[0]?.name).toBe("1");
  });

  it("names a layer whose parents are not there by its path", () => {
    const lone = buildTree([node("a/b/conv", "a/b"), node("a/c/conv", null), node("top")], ["a/d"]);
    expect(lone.map((one) => one.name)).toEqual(["a/b/conv", "a/c/conv", "top", "a/d"]);
    const half = buildTree([node("a"), node("a/b/conv", "a/b")], []);
    expect(half[0]?.children.map((one) => one.name)).toEqual(["b/conv"]);
  });

  it("hides what is collapsed", () => {
    expect(paths(["body"], "")).toEqual(["0 stem", "0 body", "0 lost"]);
    const [, body] = rows(roots, new Set(["body"]), "");
    expect(body?.expanded).toBe(false);
  });

  it("shows the matches of a filter with their parents, even in collapsed ones", () => {
    const found = rows(roots, new Set(["body"]), "/A$");
    expect(found.map((row) => [row.node.path, row.matches])).toEqual([
      ["body", false],
      ["body/a", true],
    ]);
  });

  it("takes no expression for a filter that is none", () => {
    expect(matcher("(")).toBeNull();
    expect(matcher("")?.("anything")).toBe(true);
    expect(paths([], "(")).toHaveLength(6);
  });

  it("prints shapes", () => {
    expect(shapeText([29, null, 64])).toBe("29 × ? × 64");
    expect(shapeText([])).toBe("scalar");
    expect(shapeText(null)).toBe("");
  });
});
