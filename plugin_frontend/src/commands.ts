/** One table of all that the page can do: buttons, tooltips, help and keys come from it. */

import { copy } from "./host";
import { keyCap, keyName, ownsKey } from "./keys";
import { viewLink } from "./store/address";
import { nextMap, nextRange } from "./store/colorScale";
import { cursor, follow, moveBy, moveTo, setFollow } from "./store/cursor";
import { families, moveFamily, moveVariant, variants } from "./store/kinds";
import { moveLayer } from "./store/layers";
import { note } from "./store/notes";
import { changeSpeed, pause, speed, togglePlay } from "./store/play";
import { lastOrdinal, run } from "./store/run";
import {
  image,
  imageCount,
  kind,
  layout,
  moveChannel,
  path,
  recorded,
  shownImage,
} from "./store/selection";
import { letters, panel, savePicture, togglePanel } from "./store/shell";

export interface Command {
  id: string;
  label: string;
  help: string;
  keys: readonly string[];
  enabled: () => boolean;
  run: () => void | Promise<void>;
}

const always = () => true;
const hasPositions = () => lastOrdinal.value >= 0;
const hasLayer = () => path.value !== null;

function byHand(move: () => void): () => void {
  return () => {
    pause();
    move();
  };
}

const table = [
  {
    id: "back",
    label: "Back",
    help: "One position back",
    keys: ["ArrowLeft"],
    enabled: () => cursor.value > 0,
    run: byHand(() => moveBy(-1)),
  },
  {
    id: "forward",
    label: "Forward",
    help: "One position on",
    keys: ["ArrowRight"],
    enabled: () => cursor.value < lastOrdinal.value,
    run: byHand(() => moveBy(1)),
  },
  {
    id: "back10",
    label: "Back 10",
    help: "Ten positions back",
    keys: ["Shift+ArrowLeft"],
    enabled: hasPositions,
    run: byHand(() => moveBy(-10)),
  },
  {
    id: "forward10",
    label: "Forward 10",
    help: "Ten positions on",
    keys: ["Shift+ArrowRight"],
    enabled: hasPositions,
    run: byHand(() => moveBy(10)),
  },
  {
    id: "pictureBack",
    label: "Picture back",
    help: "The picture before",
    keys: ["<"],
    enabled: hasPositions,
    run: byHand(() => toPicture(-1)),
  },
  {
    id: "pictureForward",
    label: "Picture on",
    help: "The next picture",
    keys: [">"],
    enabled: hasPositions,
    run: byHand(() => toPicture(1)),
  },
  {
    id: "first",
    label: "First",
    help: "To the first position",
    keys: ["Home"],
    enabled: hasPositions,
    run: byHand(() => moveTo(0)),
  },
  {
    id: "last",
    label: "Last",
    help: "To the last position",
    keys: ["End"],
    enabled: hasPositions,
    run: byHand(() => moveTo(lastOrdinal.peek())),
  },
  {
    id: "play",
    label: "Play",
    help: "Play or pause",
    keys: ["Space"],
    enabled: () => lastOrdinal.value > 0,
    run: togglePlay,
  },
  {
    id: "slower",
    label: "Slower",
    help: "Play slower",
    keys: [","],
    enabled: always,
    run: () => tellSpeed(-1),
  },
  {
    id: "faster",
    label: "Faster",
    help: "Play faster",
    keys: ["."],
    enabled: always,
    run: () => tellSpeed(1),
  },
  {
    id: "follow",
    label: "Follow",
    help: "Go along with new data, or stay",
    keys: ["f"],
    enabled: hasPositions,
    run: byHand(() => setFollow(!follow.peek())),
  },
  {
    id: "layerUp",
    label: "Layer up",
    help: "The layer above",
    keys: ["ArrowUp"],
    enabled: hasLayer,
    run: () => moveLayer(-1),
  },
  {
    id: "layerDown",
    label: "Layer down",
    help: "The layer below",
    keys: ["ArrowDown"],
    enabled: hasLayer,
    run: () => moveLayer(1),
  },
  {
    id: "channelBack",
    label: "Channel back",
    help: "The channel before",
    keys: ["["],
    enabled: () => layout.value !== null,
    run: () => moveChannel(-1),
  },
  {
    id: "channelForward",
    label: "Channel on",
    help: "The channel after",
    keys: ["]"],
    enabled: () => layout.value !== null,
    run: () => moveChannel(1),
  },
  {
    id: "family",
    label: "Next tab",
    help: "What the next tab shows",
    keys: ["t"],
    enabled: () => families.value.size > 1,
    run: () => moveFamily(1),
  },
  {
    id: "variant",
    label: "Next variant",
    help: "The next variant within the tab",
    keys: ["v"],
    enabled: () => variants.value.length > 1,
    run: moveVariant,
  },
  {
    id: "image",
    label: "Next image",
    help: "The next probe image",
    keys: ["i"],
    enabled: () => imageCount.value > 1,
    run: () => {
      image.value = (shownImage.peek() + 1) % imageCount.peek();
    },
  },
  {
    id: "filter",
    label: "Filter",
    help: "Filter the layers by a regular expression",
    keys: ["/"],
    enabled: always,
    run: () => document.getElementById("filter")?.focus(),
  },
  {
    id: "range",
    label: "Range",
    help: "What the colors span: tile, layer, run, extremes",
    keys: ["r"],
    enabled: always,
    run: nextRange,
  },
  {
    id: "map",
    label: "Color map",
    help: "The next color map",
    keys: ["m"],
    enabled: always,
    run: nextMap,
  },
  {
    id: "link",
    label: "Link",
    help: "Copy the address of this view",
    keys: ["l"],
    enabled: () => run.value !== null,
    run: copyLink,
  },
  {
    id: "save",
    label: "Save",
    help: "Save the picture as PNG",
    keys: ["s", "e"],
    enabled: () => kind.value !== null,
    run: () => savePicture(),
  },
  {
    id: "notices",
    label: "Notices",
    help: "What was left out, and why",
    keys: ["n"],
    enabled: always,
    run: () => togglePanel("notices"),
  },
  {
    id: "costs",
    label: "Cost",
    help: "What looking takes of training, callback by callback",
    keys: ["c"],
    enabled: always,
    run: () => togglePanel("costs"),
  },
  {
    id: "help",
    label: "Keys",
    help: "This list",
    keys: ["?"],
    enabled: always,
    run: () => togglePanel("help"),
  },
  {
    id: "close",
    label: "Close",
    help: "Close what is open",
    keys: ["Escape"],
    enabled: () => panel.value !== null,
    run: () => {
      panel.value = null;
    },
  },
] as const satisfies readonly Command[];

export type CommandId = (typeof table)[number]["id"];
export const commands: readonly (Command & { id: CommandId })[] = table;

export function command(id: CommandId): Command {
  return commands.find((entry) => entry.id === id) as Command;
}

/** "Play or pause (Space)": what a tooltip says. */
export function tooltip(id: CommandId): string {
  const { help, keys } = command(id);
  return `${help} (${keys.map(keyCap).join(" or ")})`;
}

async function copyLink(): Promise<void> {
  const address = viewLink();
  if (await copy(address)) note("The address of this view is copied.");
  else window.prompt("The address of this view:", address);
}

/** Many positions of a long run have none: their neighbors that do. */
function toPicture(by: 1 | -1): void {
  const at = recorded.peek();
  const now = cursor.peek();
  const to = at.at(by === 1 ? at.atOrBefore(now) + 1 : at.atOrBefore(now - 1));
  if (to >= 0) moveTo(to);
}

function tellSpeed(by: 1 | -1): void {
  changeSpeed(by);
  const positions = speed.peek() === 1 ? "position" : "positions";
  note(`Playing ${speed.peek()} ${positions} a second.`, "speed");
}

/** Runs the command of a key, unless the focused widget uses the key itself. */
export function onKey(event: KeyboardEvent): void {
  const key = keyName(event);
  if (key === null || event.defaultPrevented || ownsKey(event.target, key)) return;
  if (/^[a-z]$/.test(key) && !letters.peek()) return;
  const found = commands.find((entry) => entry.keys.includes(key));
  if (found === undefined || !found.enabled()) return;
  // A dialog is for reading; only what closes it or another stays at work.
  if (panel.peek() === "help" && found.id !== "help" && found.id !== "close") return;
  event.preventDefault();
  void found.run();
}
