/** Puts the page up: connects state, host and components. */

import { effect } from "@preact/signals";
import { render } from "preact";
import { onKey } from "./commands";
import { onDarkMode, onReload, onVisibility, takeFocus } from "./host/host";
import { connectAddress } from "./state/address";
import { isLoaded } from "./state/pictures";
import { waitFor } from "./state/play";
import { pollNow, setVisible } from "./state/poll";
import { dark } from "./state/shell";
import { App } from "./ui/App";

export function mount(body: HTMLElement): void {
  onDarkMode((on) => {
    dark.value = on;
    document.documentElement.dataset.theme = on ? "dark" : "light";
  });
  document.documentElement.lang = "en";
  const root = document.createElement("div");
  root.id = "tbviz";
  body.append(root);
  connectAddress();
  waitFor(isLoaded);
  render(<App />, root);
  document.addEventListener("keydown", onKey);
  onVisibility((visible) => {
    setVisible(visible);
    if (visible) takeFocus();
  });
  onReload(() => pollNow(true));
  takeFocus();
  effect(() => {
    root.dataset.theme = dark.value ? "dark" : "light";
  });
}
