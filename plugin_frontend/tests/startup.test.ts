// @vitest-environment happy-dom
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";

const SOURCE = join(import.meta.dirname, "../src");

/** What was done since the last test: "effect", "fetch" ... */
const done: string[] = [];

vi.mock("@preact/signals", async (original) => {
  const signals = await original<typeof import("@preact/signals")>();
  const effect: typeof signals.effect = (run) => {
    done.push("effect");
    return signals.effect(run);
  };
  return { ...signals, effect };
});

/** Record the use of everything that reaches out of a module. */
function watchOutside(): void {
  const watched = <T extends object>(owner: T, name: keyof T & string) => {
    const before = owner[name] as (...given: unknown[]) => unknown;
    vi.spyOn(owner as Record<string, typeof before>, name).mockImplementation(function (
      this: unknown,
      ...given: unknown[]
    ) {
      done.push(name);
      return before.apply(this, given);
    });
  };
  for (const name of ["setTimeout", "setInterval", "requestAnimationFrame", "fetch"] as const) {
    watched(window, name);
    if (globalThis[name] !== window[name]) watched(globalThis, name);
  }
  for (const target of [window, document, document.documentElement, document.body]) {
    watched(target as EventTarget, "addEventListener");
  }
  watched(window, "matchMedia");
  watched(window, "postMessage");
  const storage = window.localStorage;
  vi.spyOn(window, "localStorage", "get").mockImplementation(() => {
    done.push("localStorage");
    return storage;
  });
  for (const name of ["MutationObserver", "IntersectionObserver", "ResizeObserver"] as const) {
    watched(window[name].prototype, "observe");
  }
  watched(Node.prototype, "appendChild");
}

const modules = readdirSync(SOURCE, { recursive: true, encoding: "utf8" })
  .map((name) => name.replaceAll("\\", "/"))
  .filter((name) => /\.tsx?$/.test(name) && name !== "index.ts")
  .sort();

afterEach(() => {
  vi.restoreAllMocks();
  done.length = 0;
});

describe("importing", () => {
  it.each(modules)("%s starts nothing", async (name) => {
    vi.resetModules();
    // Vitest sets timers of its own while it reads files: they are read first.
    await import(join(SOURCE, name));
    vi.resetModules();
    watchOutside();
    done.length = 0;
    await import(join(SOURCE, name));
    expect(done).toEqual([]);
  });
});

describe("the page", () => {
  it("is started by one list, and stopped", async () => {
    vi.useFakeTimers();
    const { mount } = await import("../src/page");
    vi.stubGlobal("fetch", async () => new Response("{}", { status: 503 }));
    watchOutside();
    const stop = mount(document.body);
    expect(done).toEqual(expect.arrayContaining(["effect", "addEventListener", "fetch"]));
    expect(document.querySelector("#tbviz .page")).not.toBeNull();
    done.length = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).toContain("fetch");

    stop();
    expect(document.querySelector("#tbviz")).toBeNull();
    done.length = 0;
    window.dispatchEvent(new Event("hashchange"));
    document.dispatchEvent(new KeyboardEvent("keydown", { key: "?" }));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(done).not.toContain("fetch");
    const { panel } = await import("../src/state/shell");
    expect(panel.value).toBeNull();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });
});
