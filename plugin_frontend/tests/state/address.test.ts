// @vitest-environment happy-dom
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { readAddress } from "../../src/host/host";
import type { Series } from "../../src/model/records";
import { merge } from "../../src/model/runIndex";
import { connectAddress } from "../../src/state/address";
import {
  connectColorScale,
  mapName,
  rangeRule,
  setMap,
  setRange,
} from "../../src/state/colorScale";
import { connectCursor, cursor, follow, ghost, moveTo, pinned } from "../../src/state/cursor";
import { connectHealth } from "../../src/state/health";
import { connectKinds, families } from "../../src/state/kinds";
import { channel, layer } from "../../src/state/layer";
import { healthLayers } from "../../src/state/logged";
import { notes } from "../../src/state/notes";
import { chooseRun, switchRun } from "../../src/state/poll";
import { generation, runIndex } from "../../src/state/run";
import { connectSelection, kind, path, selectLayer } from "../../src/state/selection";
import { tablesRequested } from "../../src/state/tables";
import { present, viewLink } from "../../src/state/view";

connectCursor();
connectSelection();
connectHealth();
connectColorScale();
connectKinds();

const series = (kind: string, path: string): Series => ({
  kind,
  layer: path,
  layout: "1a2b3c4d",
  media: "gray8",
  images: 0,
  count: 3,
  bytes: 1,
  range: [0, 1],
  percentiles: [0, 1],
  positions: [[0, 3]],
});

/** Go to an address, and let the log answer. */
function visit(hash: string, health: number | null = null): void {
  runIndex.value = null;
  generation.value += 1;
  notes.value = [];
  window.location.hash = hash;
  window.dispatchEvent(new Event("hashchange"));
  runIndex.value = merge(null, {
    cursor: "a",
    now: 1,
    positions: [
      [1, 0, 3],
      [2, 2, 2],
    ],
    series: [series("activations", "conv1"), series("cam", "a/b"), series("activations", "a/b")],
    latest: { metrics: null, health, predictions: null },
  });
  // Which layers have health is known when the tables are.
  tablesRequested.value = health === null;
}

beforeAll(() => {
  globalThis.fetch = () => Promise.reject(new Error("there is no server here"));
  connectAddress();
});
beforeEach(() => {
  tablesRequested.value = false;
});

describe("an address", () => {
  it("opens what it names", () => {
    visit("#tbviz&p.tbviz.kind=cam&p.tbviz.layer=a/b&p.tbviz.step=1:2&p.tbviz.map=gray");
    expect([layer.value, kind.value, cursor.value, follow.value]).toEqual(["a/b", "cam", 2, false]);
    expect(mapName.value).toBe("gray");
    expect(notes.value).toEqual([]);
  });

  it("without a step follows, and opens a layer with pictures", () => {
    visit("#tbviz");
    expect([layer.value, cursor.value, follow.value]).toEqual(["conv1", 4, true]);
    expect(present().step).toBe("");
    expect(present(true).step).toBe("3");
  });

  it("takes ranges as numbers", () => {
    visit("#tbviz&p.tbviz.range=-1:2.5&p.tbviz.channel=7");
    expect(rangeRule.value).toEqual({ low: -1, high: 2.5 });
    expect(channel.value).toBe(7);
    expect(present().range).toBe("-1:2.5");
  });

  it("falls back to defaults with notes if it is invalid", () => {
    visit("#tbviz&p.tbviz.step=99&p.tbviz.layer=gone&p.tbviz.range=wide&p.tbviz.map=jet");
    expect([layer.value, cursor.value, follow.value]).toEqual(["conv1", 4, true]);
    expect(rangeRule.value).toBe("run");
    expect(mapName.value).toBe("viridis");
    expect(notes.value.map((shown) => shown.text)).toEqual([
      "The address has an invalid value, map=jet; using the default.",
      "Nothing was logged at step “99”; showing the newest.",
      "Nothing was logged for layer “gone”; showing conv1.",
    ]);
  });

  it("of a kind alone opens a layer that has it", () => {
    visit("#tbviz&p.tbviz.kind=cam");
    expect([layer.value, kind.value, notes.value]).toEqual(["a/b", "cam", []]);
    visit("#tbviz&p.tbviz.kind=activations");
    expect([layer.value, kind.value, notes.value]).toEqual(["conv1", "activations", []]);
  });

  it("of a kind that the layer lacks shows another, with a note", () => {
    visit("#tbviz&p.tbviz.kind=cam&p.tbviz.layer=conv1");
    expect([layer.value, kind.value]).toEqual(["conv1", "activations"]);
    expect(notes.value.map((shown) => shown.text)).toEqual([
      "Grad-CAM was not logged for conv1; showing Activations.",
    ]);
    notes.value = [];
    selectLayer("a/b");
    expect(notes.value).toEqual([]);
  });

  it("of health opens nothing else until it is known which layers have it", () => {
    healthLayers.value = null;
    visit("#tbviz&p.tbviz.kind=health&p.tbviz.layer=a/b", 3);
    expect([layer.value, kind.value, path.value]).toEqual(["a/b", "health", "a/b"]);
    expect([...families.value.keys()]).toEqual(["activations", "cam", "health"]);
    healthLayers.value = ["conv1"];
    tablesRequested.value = true;
    expect([layer.value, kind.value]).toEqual(["a/b", "activations"]);
    expect(notes.value[0]?.text).toBe("Health was not logged for a/b; showing Activations.");
    healthLayers.value = null;
  });

  it("of a view brings the view back", () => {
    visit("#tbviz&p.other.key=1");
    selectLayer("a/b");
    setMap("turbo");
    channel.value = 2;
    setRange("tile");
    moveTo(1);
    const before = present(true);
    const link = viewLink();
    expect(link).toContain("p.other.key=1");
    visit(link.slice(link.indexOf("#")));
    expect(present(true)).toEqual(before);
    expect(readAddress()).toContain("p.tbviz.layer=a/b");
  });

  it("of the open run without a step goes to the newest", () => {
    visit("#tbviz&p.tbviz.step=0");
    expect([cursor.value, follow.value]).toEqual([0, false]);
    window.location.hash = "#tbviz";
    window.dispatchEvent(new Event("hashchange"));
    expect([cursor.value, follow.value]).toEqual([4, true]);
  });
});

describe("another run", () => {
  const answers = (path: string) => {
    runIndex.value = merge(null, {
      cursor: "b",
      now: 1,
      positions: [[1, 0, 2]],
      series: [series("activations", path)],
    });
  };

  it("opens a layer that it has, once it is known that it lacks the open one", () => {
    visit("#tbviz&p.tbviz.layer=a/b");
    channel.value = 5;
    switchRun("other");
    answers("stem");
    expect(layer.value).toBe("a/b");
    tablesRequested.value = true;
    expect([layer.value, channel.value, cursor.value]).toEqual(["stem", null, 1]);
  });

  it("keeps the layer that both have", () => {
    visit("#tbviz&p.tbviz.layer=a/b");
    channel.value = 5;
    switchRun("third");
    answers("a/b");
    tablesRequested.value = true;
    expect([layer.value, channel.value]).toEqual(["a/b", 5]);
  });

  it("takes over no pin, no ghost and no step that still waited", () => {
    visit("#tbviz");
    [pinned.value, ghost.value] = [1, 2];
    chooseRun("fourth");
    expect([pinned.value, ghost.value]).toEqual([null, null]);
    window.location.hash = "#tbviz&p.tbviz.step=0";
    window.dispatchEvent(new Event("hashchange"));
    switchRun("fifth");
    answers("a/b");
    expect([cursor.value, follow.value]).toEqual([1, true]);
  });
});
