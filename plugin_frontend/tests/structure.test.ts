import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

const SOURCE = join(import.meta.dirname, "../src");

/**
 * The rooms of the page, and those that each may import besides itself. An arrow that is not here
 * leads up; `docs/architecture.md` says what stands in each room.
 */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  model: [],
  draw: ["model"],
  net: ["model", "draw"],
  host: [],
  state: ["model", "draw", "net", "host"],
  "commands.ts": ["model", "host", "state"],
  ui: ["model", "draw", "host", "state", "commands.ts"],
  "page.tsx": ["host", "state", "commands.ts", "ui"],
  "index.ts": ["page.tsx"],
};

type Arrows = ReadonlyMap<string, readonly string[]>;

/** The files of the page by their names below `src`, each with those that it imports. */
function arrows(): Arrows {
  const names = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
    .map((name) => name.replaceAll("\\", "/"))
    .filter((name) => /\.tsx?$/.test(name));
  return new Map(
    names.map((name) => {
      const text = readFileSync(join(SOURCE, name), "utf8");
      return [name, importsOf(text).map((path) => fileOf(join(dirname(name), path), names))];
    }),
  );
}

/** The relative paths that a file imports, at once or later; its style sheet is none of them. */
function importsOf(text: string): string[] {
  const found = text.matchAll(/(?:\bfrom|\bimport)[\s(]*["'`](\.[^"'`]+)["'`]/g);
  return [...found].flatMap(([, path = ""]) => (path.includes(".css") ? [] : path));
}

function fileOf(path: string, names: readonly string[]): string {
  const plain = path.replaceAll("\\", "/");
  return names.find((name) => name === `${plain}.ts` || name === `${plain}.tsx`) ?? plain;
}

const roomOf = (name: string) => (name.includes("/") ? (name.split("/")[0] ?? "") : name);

/** Arrows that no room allows: "draw/cam.ts -> state/run.ts". */
function upwards(all: Arrows): string[] {
  return [...all].flatMap(([file, imported]) => {
    const allowed = ROOMS[roomOf(file)];
    if (allowed === undefined) return [`${file} stands in no room`];
    return imported
      .filter((other) => roomOf(other) !== roomOf(file) && !allowed.includes(roomOf(other)))
      .map((other) => `${file} -> ${other}`);
  });
}

/** Files of which each imports the next, and the last the first; empty where there are none. */
function circle(imports: Arrows): string[] {
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
  it("are all read, with what they import", () => {
    const all = arrows();
    expect(all.get("ui/Readout.tsx")).toContain("model/captions.ts");
    expect(all.get("ui/App.tsx")).toContain("ui/HealthView.tsx");
    expect(all.get("index.ts")).toEqual(["page.tsx"]);
    const unknown = [...all.values()].flat().filter((name) => !all.has(name));
    expect(unknown).toEqual([]);
  });

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
    expect(circle(arrows())).toEqual([]);
  });

  it("import from rooms below their own only", () => {
    const wrong = new Map([
      ["draw/a.ts", ["model/b.ts", "state/c.ts"]],
      ["new/a.ts", []],
      ["ui/a.tsx", ["net/b.ts", "ui/c.tsx"]],
    ]);
    expect(upwards(wrong)).toEqual([
      "draw/a.ts -> state/c.ts",
      "new/a.ts stands in no room",
      "ui/a.tsx -> net/b.ts",
    ]);
    expect(upwards(arrows())).toEqual([]);
  });

  it("are in rooms that import each other in no circle", () => {
    expect(circle(new Map(Object.entries(ROOMS)))).toEqual([]);
  });

  it("need signals and a document only where these belong", () => {
    const texts = [...arrows().keys()].map(
      (name) => [name, readFileSync(join(SOURCE, name), "utf8")] as const,
    );
    const withSignals = texts.filter(([, text]) => /from "@preact\/signals"/.test(text));
    expect(new Set(withSignals.map(([name]) => roomOf(name)))).toEqual(new Set(["state", "ui"]));
    const withPage = texts.filter(([, text]) => /\b(?:document|window|navigator)\./.test(text));
    expect(withPage.map(([name]) => name).filter((name) => roomOf(name) === "model")).toEqual([]);
  });
});
