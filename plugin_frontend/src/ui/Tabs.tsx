import { useSignal } from "@preact/signals";
import { useLayoutEffect, useRef } from "preact/hooks";
import { familyOf } from "../model/families";
import { overflowing } from "../model/tabs";
import { families, family, openFamily } from "../state/kinds";
import { layer } from "../state/layer";
import { pathOf, WHOLE } from "../state/logged";
import { useSize } from "./useSize";

/** Width of the list of hidden tabs, in CSS pixels. */
const MORE = 132;

/** One tab per family of the run; tabs that do not fit are in a list at the end. */
export function Tabs() {
  const [bar, size] = useSize<HTMLDivElement>();
  const list = useRef<HTMLDivElement>(null);
  const hidden = useSignal<readonly string[]>([]);
  const names = [...families.value.keys()];
  const { width } = size.value;

  useLayoutEffect(() => {
    const tabs = [...(list.current?.children ?? [])] as HTMLElement[];
    const widths = new Map(tabs.map((tab) => [tab.dataset.family ?? "", tab.offsetWidth]));
    const out = overflowing(widths, width, MORE);
    if (out.join() !== hidden.peek().join()) hidden.value = out;
  }, [width, names.join()]);

  const seen = names.filter((name) => !hidden.value.includes(name));
  const onKeyDown = (event: KeyboardEvent) => {
    const way = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = seen.indexOf(family.value ?? "");
    const to =
      event.key === "Home"
        ? seen[0]
        : event.key === "End"
          ? seen.at(-1)
          : way === undefined
            ? undefined
            : seen[(at + way + seen.length) % seen.length];
    if (to === undefined) return;
    event.preventDefault();
    openFamily(to);
    list.current?.querySelector<HTMLElement>(`[data-family="${CSS.escape(to)}"]`)?.focus();
  };
  return (
    <div class="tabs" ref={bar}>
      <div role="tablist" aria-label="Views" ref={list} onKeyDown={onKeyDown}>
        {names.map((name) => (
          <Tab
            key={name}
            name={name}
            hidden={!seen.includes(name)}
            stop={name === (seen.includes(family.value ?? "") ? family.value : seen[0])}
          />
        ))}
      </div>
      {seen.length < names.length && <More names={names.filter((name) => !seen.includes(name))} />}
    </div>
  );
}

function Tab({ name, hidden, stop }: { name: string; hidden: boolean; stop: boolean }) {
  const kinds = families.value.get(name) ?? [];
  const { title, help } = familyOf(name);
  const selected = family.value === name;
  const paths = kinds.map((kind) => pathOf(kind, layer.value));
  const there = paths.some((path) => path !== null);
  const about = paths.includes(WHOLE) ? "For the whole model" : `For ${layer.value}`;
  return (
    <button
      type="button"
      role="tab"
      class={`tab ${there ? "" : "elsewhere"} ${hidden ? "hidden" : ""}`}
      data-testid="tab"
      data-family={name}
      data-label={title}
      aria-selected={selected}
      tabIndex={stop ? 0 : -1}
      title={`${help}.\n${there ? about : `Not logged for ${layer.value}: opens a layer that has it`}.`}
      onClick={(event) => {
        openFamily(name);
        // After a click the arrow keys move the cursor; after Tab they move along the tabs.
        if (event.detail > 0) event.currentTarget.blur();
      }}
    >
      {title}
    </button>
  );
}

function More({ names }: { names: readonly string[] }) {
  const here = names.includes(family.value ?? "") ? (family.value ?? "") : "";
  return (
    <select
      class={`tab more ${here === "" ? "" : "selected"}`}
      data-testid="more"
      aria-label="More views"
      value={here}
      onChange={(event) => openFamily(event.currentTarget.value)}
    >
      {here === "" && <option value="">More …</option>}
      {names.map((name) => (
        <option key={name} value={name}>
          {familyOf(name).title}
        </option>
      ))}
    </select>
  );
}
