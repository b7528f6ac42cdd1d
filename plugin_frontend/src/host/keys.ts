/** (a key press, the element with the focus) => the name of the key, or null if it is not ours. */

const NAMED = new Set(["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End", "Escape"]);
const ARROWS = ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"];

const SIDEWAYS = ["ArrowLeft", "ArrowRight"];

/** "ArrowRight", "Shift+ArrowRight", "Space", "f", "?": by what was typed, on any layout. */
export function keyName(event: KeyboardEvent): string | null {
  const composed = event.getModifierState("AltGraph");
  if (!composed && (event.ctrlKey || event.altKey || event.metaKey)) return null;
  if (event.key === " ") return "Space";
  if (NAMED.has(event.key)) return event.shiftKey ? `Shift+${event.key}` : event.key;
  return [...event.key].length === 1 ? event.key.toLowerCase() : null;
}

/** Whether the widget that has the focus uses this key itself. */
export function ownsKey(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof Element)) return false;
  const role = target.getAttribute("role");
  if (target instanceof HTMLInputElement) {
    if (target.type === "range") return ARROWS.includes(key);
    if (target.type === "checkbox") return key === "Space";
    return key !== "Escape";
  }
  if (target instanceof HTMLTextAreaElement) return key !== "Escape";
  if (target instanceof HTMLSelectElement) return key !== "Escape" && !key.startsWith("Shift+");
  if (role === "treeitem") {
    // A layer without layers inside has nothing to open: there the arrows go on to step.
    if (SIDEWAYS.includes(key)) return target.hasAttribute("aria-expanded");
    return ARROWS.includes(key) || key === "Space";
  }
  if (role === "tab") return ["ArrowLeft", "ArrowRight", "Home", "End", "Space"].includes(key);
  if (target instanceof HTMLButtonElement || target.tagName === "SUMMARY") return key === "Space";
  return false;
}

/** As it is printed on a key cap. */
export function keyCap(key: string): string {
  const caps: Record<string, string> = {
    ArrowLeft: "←",
    ArrowRight: "→",
    ArrowUp: "↑",
    ArrowDown: "↓",
    Escape: "Esc",
  };
  const [base, shift] = key.startsWith("Shift+") ? [key.slice(6), "⇧ "] : [key, ""];
  return shift + (caps[base] ?? (base.length === 1 ? base.toUpperCase() : base));
}
