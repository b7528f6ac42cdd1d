// @vitest-environment happy-dom
import { afterEach, describe, expect, it } from "vitest";
import { commands, onKey, tooltip } from "../src/commands";
import { keyCap, keyName, ownsKey } from "../src/host/keys";
import { merge } from "../src/model/runIndex";
import { connectCursor, cursor, follow, moveTo, setFollow, unseen } from "../src/state/cursor";
import { layer } from "../src/state/layer";
import { notes } from "../src/state/notes";
import { open, runIndex } from "../src/state/run";
import { connectSelection } from "../src/state/selection";
import { panel, setLetters } from "../src/state/shell";

connectCursor();
connectSelection();

const press = (key: string, init: KeyboardEventInit = {}) =>
  new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true, ...init });

function grow(count: number): void {
  const [cursorText, now] = [`${Math.random()}`, 0];
  const first = runIndex.value?.positions.length ?? 0;
  runIndex.value = merge(runIndex.value, {
    cursor: cursorText,
    now,
    positions: [[1, first, count]],
  });
}

afterEach(() => {
  open(null);
  runIndex.value = null;
  setFollow(true);
  setLetters(true);
  panel.value = null;
  document.body.replaceChildren();
});

describe("the command table", () => {
  it("gives no key to two commands", () => {
    const keys = commands.flatMap((entry) => entry.keys as readonly string[]);
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  it("names every command once, with a help text and a key", () => {
    const ids = commands.map((entry) => entry.id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const entry of commands) {
      expect(entry.help).not.toBe("");
      expect(entry.keys.length).toBeGreaterThan(0);
    }
  });

  it("has only keys that a key press can be named by", () => {
    for (const key of commands.flatMap((entry) => entry.keys as readonly string[])) {
      const shift = key.startsWith("Shift+");
      const typed = shift ? key.slice(6) : key === "Space" ? " " : key;
      expect(keyName(press(typed, { shiftKey: shift }))).toBe(key);
    }
  });

  it("makes tooltips", () => {
    expect(tooltip("play")).toBe("Play or pause (Space)");
    expect(tooltip("save")).toBe("Save the picture as PNG (S or E)");
    expect(keyCap("Shift+ArrowLeft")).toBe("⇧ ←");
  });
});

describe("keys", () => {
  it("move the cursor", () => {
    grow(20);
    expect(cursor.value).toBe(19);
    onKey(press("ArrowLeft"));
    expect([cursor.value, follow.value]).toEqual([18, false]);
    onKey(press("ArrowLeft", { shiftKey: true }));
    expect(cursor.value).toBe(8);
    onKey(press("Home"));
    expect(cursor.value).toBe(0);
    onKey(press("f"));
    expect([cursor.value, follow.value]).toEqual([19, true]);
  });

  it("go from snapshot to snapshot of the shown series", () => {
    grow(20);
    const series = {
      kind: "activations",
      layer: "conv",
      layout: "l",
      media: "gray8",
      images: 1,
      count: 3,
      bytes: 1,
      range: null,
      percentiles: null,
      positions: [
        [2, 2],
        [11, 1],
      ] as [number, number][],
    };
    runIndex.value = merge(runIndex.value, { cursor: "with pictures", now: 0, series: [series] });
    layer.value = "conv";
    moveTo(5);
    const at = (key: string) => {
      onKey(press(key));
      return cursor.value;
    };
    expect([">", ">", "<", "<", "<", ">"].map(at)).toEqual([11, 11, 3, 2, 2, 3]);
    layer.value = null;
  });

  it("by what was typed, whatever the layout; with Ctrl they are the browser's", () => {
    expect(keyName(press("F"))).toBe("f");
    expect(keyName(press("?", { shiftKey: true }))).toBe("?");
    expect(keyName(press("f", { ctrlKey: true }))).toBeNull();
    expect(keyName(press("Tab"))).toBeNull();
  });

  it("belong to the widget that has the focus and uses them", () => {
    const range = Object.assign(document.createElement("input"), { type: "range" });
    const text = document.createElement("input");
    const button = document.createElement("button");
    const item = document.createElement("div");
    item.setAttribute("role", "treeitem");
    expect(ownsKey(range, "ArrowLeft")).toBe(true);
    expect(ownsKey(range, "Shift+ArrowLeft")).toBe(false);
    expect(ownsKey(range, "f")).toBe(false);
    expect(ownsKey(text, "f")).toBe(true);
    expect(ownsKey(text, "Escape")).toBe(false);
    expect(ownsKey(button, "Space")).toBe(true);
    expect(ownsKey(button, "ArrowLeft")).toBe(false);
    expect(ownsKey(item, "ArrowUp")).toBe(true);
    expect(ownsKey(item, "f")).toBe(false);
    expect(ownsKey(item, "ArrowRight")).toBe(false);
    item.setAttribute("aria-expanded", "true");
    expect(ownsKey(item, "ArrowRight")).toBe(true);
    expect(ownsKey(document.body, "Space")).toBe(false);
  });

  it("typed into a field move nothing", () => {
    grow(5);
    const text = document.createElement("input");
    document.body.append(text);
    text.addEventListener("keydown", onKey);
    text.dispatchEvent(press("Home"));
    expect(cursor.value).toBe(4);
  });

  it("that are letters can be switched off", () => {
    grow(5);
    moveTo(1);
    setLetters(false);
    onKey(press("f"));
    expect(follow.value).toBe(false);
    onKey(press("ArrowRight"));
    expect(cursor.value).toBe(2);
  });

  it("close what is open, and rest while the help is read", () => {
    grow(5);
    onKey(press("?"));
    expect(panel.value).toBe("help");
    onKey(press("Home"));
    expect(cursor.value).toBe(4);
    onKey(press("Escape"));
    expect(panel.value).toBeNull();
  });
});

describe("new data", () => {
  it("moves the cursor only while Follow is on", () => {
    grow(3);
    grow(2);
    expect(cursor.value).toBe(4);
    moveTo(1);
    grow(3);
    expect([cursor.value, unseen.value]).toEqual([1, 3]);
    setFollow(true);
    expect([cursor.value, unseen.value]).toEqual([7, 0]);
  });

  it("is not called new where the page was opened at a step", () => {
    follow.value = false;
    grow(9);
    expect(unseen.value).toBe(0);
  });
});

describe("notes", () => {
  it("of the speed replace each other", () => {
    for (const key of [".", ".", ","]) onKey(press(key));
    expect(notes.value.map(({ topic }) => topic)).toEqual(["speed"]);
    expect(notes.value[0]?.text).toMatch(/^Playing \d+ steps per second/);
  });
});
