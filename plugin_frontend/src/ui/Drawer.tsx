import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { panel } from "../state/shell";
import { Icon } from "./icons";

interface Props {
  title: string;
  testid: string;
  children: ComponentChildren;
}

/** A panel over the right edge of the page; the page stays usable beside it. */
export function Drawer({ title, testid, children }: Props) {
  const close = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    close.current?.focus();
    return () => {
      if (before instanceof HTMLElement) before.focus();
    };
  }, []);
  return (
    <div class="drawer" role="dialog" aria-label={title} data-testid={testid}>
      <div class="drawer-head">
        <h2>{title}</h2>
        <button
          type="button"
          class="bare"
          ref={close}
          aria-label={`Close ${title}`}
          onClick={() => {
            panel.value = null;
          }}
        >
          <Icon name="close" />
        </button>
      </div>
      <div class="drawer-body">{children}</div>
    </div>
  );
}
