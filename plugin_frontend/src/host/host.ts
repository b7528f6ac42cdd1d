/**
 * Everything that depends on TensorBoard being around the page. Outside of it, or in a frame of
 * another origin, each of these falls back to the page's own window.
 */

import type { Stop } from "./stops";

/** The window whose address and dark mode are TensorBoard's. */
function outer(): Window {
  try {
    // Throws where the parent is of another origin.
    if (window.parent !== window && window.parent.location.href) return window.parent;
  } catch {
    // A notebook or another host.
  }
  return window;
}

export function readAddress(): string {
  return outer().location.hash;
}

/** Replaces the address; TensorBoard does not notice, and keeps it over reloads. */
export function writeAddress(hash: string): void {
  const host = outer();
  if (host.location.hash === hash) return;
  const { pathname, search } = host.location;
  try {
    host.history.replaceState(host.history.state, "", `${pathname}${search}${hash}`);
  } catch {
    // Browsers limit how often; the next change writes it.
  }
}

/** The whole address with another hash, for copying. */
export function link(hash: string): string {
  return outer().location.href.replace(/#.*$/s, "") + hash;
}

export function onAddressChange(run: () => void): Stop {
  const host = outer();
  host.addEventListener("hashchange", run);
  return () => host.removeEventListener("hashchange", run);
}

/** Dark as TensorBoard is; elsewhere as the system is. Calls at once and at each change. */
export function onDarkMode(run: (dark: boolean) => void): Stop {
  const host = outer();
  if (host === window) {
    const query = window.matchMedia("(prefers-color-scheme: dark)");
    const report = () => run(query.matches);
    report();
    query.addEventListener("change", report);
    return () => query.removeEventListener("change", report);
  }
  const body = host.document.body;
  const report = () => run(body.classList.contains("dark-mode"));
  report();
  const observer = new MutationObserver(report);
  observer.observe(body, { attributes: true, attributeFilter: ["class"] });
  return () => observer.disconnect();
}

/**
 * Whether the page can be seen: TensorBoard keeps the frame of a hidden tab, without height and
 * without notifying it. Calls at each change.
 */
export function onVisibility(run: (visible: boolean) => void): Stop {
  let seen = true;
  let last: boolean | null = null;
  const report = () => {
    const visible = seen && window.innerHeight > 0 && document.visibilityState === "visible";
    if (visible !== last) {
      last = visible;
      run(visible);
    }
  };
  const observer = new IntersectionObserver((entries) => {
    seen = entries.at(-1)?.isIntersecting ?? seen;
    report();
  });
  observer.observe(document.body);
  window.addEventListener("resize", report);
  document.addEventListener("visibilitychange", report);
  report();
  return () => {
    observer.disconnect();
    window.removeEventListener("resize", report);
    document.removeEventListener("visibilitychange", report);
  };
}

/** Keys reach the page only once it has the focus. */
export function takeFocus(): void {
  window.focus();
}

/**
 * TensorBoard's reload button. Its library for plugins was never published; this is the part of
 * its protocol that we need (tensorboard/components/experimental/plugin_lib).
 */
export function onReload(run: () => void): Stop {
  if (window.parent === window) return () => {};
  const channel = new MessageChannel();
  channel.port1.onmessage = (event: MessageEvent<unknown>) => {
    if (typeof event.data !== "string") return;
    try {
      const message = JSON.parse(event.data) as { type?: string; id?: number; isReply?: boolean };
      if (message.isReply) return;
      if (message.type === "experimental.DataReloaded") run();
      const reply = {
        type: message.type,
        id: message.id,
        payload: null,
        error: null,
        isReply: true,
      };
      channel.port1.postMessage(JSON.stringify(reply));
    } catch {
      // Not one of TensorBoard's messages.
    }
  };
  channel.port1.start();
  window.parent.postMessage("experimental.bootstrap", "*", [channel.port2]);
  return () => channel.port1.close();
}

/** Copies a text; only inside a click or a key press. Returns whether it did. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text);
  }
}

/** The old way, for plain http where there is no clipboard. */
function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.style.position = "fixed";
  area.style.opacity = "0";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}

const MEMORY = "tbviz";

/** A setting of this browser, not of the view. */
export function remember(name: string, value: string): void {
  try {
    window.localStorage.setItem(`${MEMORY}.${name}`, value);
  } catch {
    // A private window: not remembered.
  }
}

export function recall(name: string): string | null {
  try {
    return window.localStorage.getItem(`${MEMORY}.${name}`);
  } catch {
    return null;
  }
}
