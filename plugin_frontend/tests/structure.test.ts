import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "../src");

/** The files of the page, each with those that it imports. */
function arrows(): Map<string, string[]> {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.tsx?$/.test(name))
    .map((name) => join(SOURCE, name));
  return new Map(
    files.map((file) => {
      const imported = [...readFileSync(file, "utf8").matchAll(/from "(\.[^"]+)"/g)].flatMap(
        (match) => {
          const base = join(dirname(file), match[1] ?? "");
          return files.filter((other) => other === `${base}.ts` || other === `${base}.tsx`);
        },
      );
      return [file, imported];
    }),
  );
}

/** Files of which each imports the next, and the last the first; empty where there are none. */
function circle(imports: ReadonlyMap<string, string[]>): string[] {
  const left = new Map(imports);
  for (let before = -1; before !== left.size; ) {
    before = left.size;
    for (const [file, imported] of left) {
      if (!imported.some((other) => left.has(other))) left.delete(file);
    }
  }
  // Of what is left each imports something that is left.
  const path: string[] = [];
  let at = left.keys().next().value;
  while (at !== undefined && !path.includes(at)) {
    path.push(at);
    at = left.get(at)?.find((other) => left.has(other));
  }
  return at === undefined ? [] : path.slice(path.indexOf(at));
}

describe("the files of the page", () => {
  it("import each other in no circle", () => {
    expect(
      circle(
        new Map([
          ["a", ["b"]],
          ["b", ["c"]],
          ["c", ["b"]],
        ]),
      ),
    ).toEqual(["b", "c"]);
    const all = arrows();
    expect(all.get(join(SOURCE, "ui/Readout.tsx"))).toContain(join(SOURCE, "model/captions.ts"));
    expect(circle(all).map((file) => file.slice(SOURCE.length + 1))).toEqual([]);
  });
});
