import type { ComponentChildren } from "preact";
import { type CommandId, command, tooltip } from "../commands";
import { keyCap } from "../host/keys";

interface Props {
  id: CommandId;
  /** Its content; the label of the command by default. */
  children?: ComponentChildren;
  pressed?: boolean;
  /** Show the key beside the label. */
  cap?: boolean;
  class?: string;
}

/** A button that does what a command does, named and explained by the command table. */
export function CommandButton({ id, children, pressed, cap, class: names = "" }: Props) {
  const entry = command(id);
  const key = entry.keys[0];
  return (
    <button
      type="button"
      class={`button ${names}`}
      data-testid={`command-${id}`}
      title={tooltip(id)}
      aria-pressed={pressed}
      aria-keyshortcuts={key}
      disabled={!entry.enabled()}
      onClick={() => void entry.run()}
    >
      {children ?? entry.label}
      {cap && key !== undefined && <kbd aria-hidden="true">{keyCap(key)}</kbd>}
    </button>
  );
}
