/** Starts the page: nothing happens when a module is imported, all of it in this list. */

import { render } from "preact";
import { connectKeys } from "./commands";
import { type Stop, stopAll } from "./host/stops";
import { connectAddress } from "./state/address";
import { connectChannels } from "./state/channels";
import { connectColorScale } from "./state/colorScale";
import { connectCursor } from "./state/cursor";
import { connectHealth } from "./state/health";
import { connectImage } from "./state/image";
import { connectKinds } from "./state/kinds";
import { connectPictures, isLoaded } from "./state/pictures";
import { connectPlay } from "./state/play";
import { connectPoll } from "./state/poll";
import { connectSelection } from "./state/selection";
import { connectShell } from "./state/shell";
import { App } from "./ui/App";

/** Draw the page, and keep it up to date until the returned function is called. */
export function mount(body: HTMLElement): Stop {
  document.documentElement.lang = "en";
  const root = document.createElement("div");
  root.id = "tbviz";
  body.append(root);
  return stopAll(
    () => root.remove(),
    // The theme first: nothing is drawn in the other one.
    connectShell(),
    connectCursor(),
    connectImage(),
    connectSelection(),
    connectHealth(),
    connectColorScale(),
    connectPictures(),
    connectKinds(),
    connectChannels(),
    connectPlay(isLoaded),
    // What the address names is requested by the first poll.
    connectAddress(),
    draw(root),
    connectKeys(),
    connectPoll(),
  );
}

function draw(root: HTMLElement): Stop {
  render(<App />, root);
  return () => render(null, root);
}
