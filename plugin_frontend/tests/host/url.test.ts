import { describe, expect, it } from "vitest";
import {
  formatRange,
  parseCount,
  parseRange,
  parseShare,
  readHash,
  writeHash,
} from "../../src/host/url";

describe("the address", () => {
  it("is read key by key", () => {
    const hash = "#tbviz&p.tbviz.layer=conv%2Fa%23b&p.tbviz.step=2:12&p.other.step=3&p.tbviz.zz=1";
    expect(readHash(hash)).toEqual({ layer: "conv/a#b", step: "2:12" });
  });

  it("keeps what is not ours, and ours that are not known", () => {
    const hash = "#tbviz&p.other.x=1&p.tbviz.zz=7&p.tbviz.step=3&tagFilter=a";
    expect(writeHash(hash, { step: "4", run: "a b/c" })).toBe(
      "#tbviz&p.other.x=1&p.tbviz.zz=7&tagFilter=a&p.tbviz.run=a%20b/c&p.tbviz.step=4",
    );
  });

  it("leaves out what is empty, and names the tab where nothing does", () => {
    expect(writeHash("", { step: "", layer: undefined } as never)).toBe("#tbviz");
    expect(writeHash("#scalars&p.tbviz.step=1", {})).toBe("#scalars");
  });

  it.each(["a&b=c#d", "日本語/ü", "100 %", "conv.*|^x$", "+"])("brings %j back", (layer) => {
    expect(readHash(writeHash("#tbviz", { layer }))).toEqual({ layer });
  });

  it("survives a broken escape", () => {
    expect(readHash("#tbviz&p.tbviz.layer=%E0%A4%A")).toEqual({ layer: "%E0%A4%A" });
  });
});

describe("values in it", () => {
  it.each([
    ["tile", "tile"],
    ["run", "run"],
    ["-1:2.5", { low: -1, high: 2.5 }],
    ["1e-3:1", { low: 0.001, high: 1 }],
    ["2:1", null],
    ["1:1", null],
    ["a:b", null],
    [":1", null],
    ["1:2:3", null],
    ["NaN:1", null],
    ["-Infinity:1", null],
  ])("range %j", (text, range) => {
    expect(parseRange(text)).toEqual(range);
  });

  it("formats ranges as they are parsed", () => {
    expect(formatRange({ low: -0.5, high: 3 })).toBe("-0.5:3");
    expect(formatRange("layer")).toBe("layer");
  });

  it("takes counts and shares only as such", () => {
    expect(["3", "03", "-1", "1.5", "", "x"].map(parseCount)).toEqual([
      3,
      3,
      null,
      null,
      null,
      null,
    ]);
    expect(["0.5", "0", "1.1", "", "x"].map((text) => parseShare(text, 0, 1))).toEqual([
      0.5,
      0,
      null,
      null,
      null,
    ]);
  });
});
