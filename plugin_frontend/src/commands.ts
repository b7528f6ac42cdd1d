/** The commands of the page in one table: buttons, tooltips, help and keys come from it. */

import { copy } from "./host/host";
import { keyCap, keyName, ownsKey } from "./host/keys";
import type { Stop } from "./host/stops";
import { plural } from "./model/format";
import { nextMap, nextRange } from "./state/colorScale";
import { cursor, follow, moveBy, moveTo, setFollow } from "./state/cursor";
import { image } from "./state/image";
import { families, moveFamily, moveVariant, variants } from "./state/kinds";
import { moveLayer } from "./state/layers";
import { note } from "./state/notes";
import { changeSpeed, pause, speed, togglePlay } from "./state/play";
import { lastOrdinal, run } from "./state/run";
import {
  kind,
  layout,
  moveChannel,
  offeredImages,
  path,
  recorded,
  shownImage,
} from "./state/selection";
import { letters, panel, savePicture, togglePanel } from "./state/shell";
import { viewLink } from "./state/view";

export interface Command {
  id: string;
  /** The text of its button, if that is no icon. */
  label?: string;
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
    help: "Previous epoch or batch",
    keys: ["ArrowLeft"],
    enabled: () => cursor.value > 0,
    run: byHand(() => moveBy(-1)),
  },
  {
    id: "forward",
    help: "Next epoch or batch",
    keys: ["ArrowRight"],
    enabled: () => cursor.value < lastOrdinal.value,
    run: byHand(() => moveBy(1)),
  },
  {
    id: "back10",
    help: "10 steps back",
    keys: ["Shift+ArrowLeft"],
    enabled: hasPositions,
    run: byHand(() => moveBy(-10)),
  },
  {
    id: "forward10",
    help: "10 steps forward",
    keys: ["Shift+ArrowRight"],
    enabled: hasPositions,
    run: byHand(() => moveBy(10)),
  },
  {
    id: "previousSnapshot",
    help: "Previous snapshot of this picture",
    keys: ["<"],
    enabled: hasPositions,
    run: byHand(() => moveToSnapshot(-1)),
  },
  {
    id: "nextSnapshot",
    help: "Next snapshot of this picture",
    keys: [">"],
    enabled: hasPositions,
    run: byHand(() => moveToSnapshot(1)),
  },
  {
    id: "first",
    help: "Start of the run",
    keys: ["Home"],
    enabled: hasPositions,
    run: byHand(() => moveTo(0)),
  },
  {
    id: "last",
    help: "End of the run",
    keys: ["End"],
    enabled: hasPositions,
    run: byHand(() => moveTo(lastOrdinal.peek())),
  },
  {
    id: "play",
    help: "Play or pause",
    keys: ["Space"],
    enabled: () => lastOrdinal.value > 0,
    run: togglePlay,
  },
  {
    id: "slower",
    help: "Play slower",
    keys: [","],
    enabled: always,
    run: () => noteSpeed(-1),
  },
  {
    id: "faster",
    help: "Play faster",
    keys: ["."],
    enabled: always,
    run: () => noteSpeed(1),
  },
  {
    id: "follow",
    label: "Follow",
    help: "Follow new data",
    keys: ["f"],
    enabled: hasPositions,
    run: byHand(() => setFollow(!follow.peek())),
  },
  {
    id: "layerUp",
    help: "Previous layer",
    keys: ["ArrowUp"],
    enabled: hasLayer,
    run: () => moveLayer(-1),
  },
  {
    id: "layerDown",
    help: "Next layer",
    keys: ["ArrowDown"],
    enabled: hasLayer,
    run: () => moveLayer(1),
  },
  {
    id: "channelBack",
    help: "Previous channel",
    keys: ["["],
    enabled: () => layout.value !== null,
    run: () => moveChannel(-1),
  },
  {
    id: "channelForward",
    help: "Next channel",
    keys: ["]"],
    enabled: () => layout.value !== null,
    run: () => moveChannel(1),
  },
  {
    id: "family",
    help: "Next tab",
    keys: ["t"],
    enabled: () => families.value.size > 1,
    run: () => moveFamily(1),
  },
  {
    id: "variant",
    help: "Next variant",
    keys: ["v"],
    enabled: () => variants.value.length > 1,
    run: moveVariant,
  },
  {
    id: "image",
    help: "Next probe image",
    keys: ["i"],
    enabled: () => offeredImages.value.length > 1,
    run: () => {
      const offered = offeredImages.peek();
      const at = offered.indexOf(shownImage.peek());
      image.value = offered[(at + 1) % offered.length] ?? 0;
    },
  },
  {
    id: "filter",
    help: "Filter layers by a regular expression",
    keys: ["/"],
    enabled: always,
    run: () => document.getElementById("filter")?.focus(),
  },
  {
    id: "range",
    help: "Next color range: each map, this layer, whole run, min-max",
    keys: ["r"],
    enabled: always,
    run: nextRange,
  },
  {
    id: "map",
    help: "Next color map",
    keys: ["m"],
    enabled: always,
    run: nextMap,
  },
  {
    id: "link",
    label: "Link",
    help: "Copy a link to this view",
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
    help: "Skipped items and warnings",
    keys: ["n"],
    enabled: always,
    run: () => togglePanel("notices"),
  },
  {
    id: "costs",
    help: "Time spent on logging, per callback",
    keys: ["c"],
    enabled: always,
    run: () => togglePanel("costs"),
  },
  {
    id: "help",
    label: "Keys",
    help: "Keyboard shortcuts",
    keys: ["?"],
    enabled: always,
    run: () => togglePanel("help"),
  },
  {
    id: "close",
    help: "Close the open panel",
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

/** Return the tooltip of a command: "Play or pause (Space)". */
export function tooltip(id: CommandId): string {
  const { help, keys } = command(id);
  return `${help} (${keys.map(keyCap).join(" or ")})`;
}

async function copyLink(): Promise<void> {
  const address = viewLink();
  if (await copy(address)) note("Link copied.");
  else window.prompt("Link to this view:", address);
}

/** Move to the next or previous position that has a snapshot of the shown picture. */
function moveToSnapshot(by: 1 | -1): void {
  const at = recorded.peek();
  const now = cursor.peek();
  const to = at.at(by === 1 ? at.atOrBefore(now) + 1 : at.atOrBefore(now - 1));
  if (to >= 0) moveTo(to);
}

function noteSpeed(by: 1 | -1): void {
  changeSpeed(by);
  note(`Playing ${plural(speed.peek(), "step")} per second.`, "speed");
}

/** Run the command of a key, unless the focused widget uses the key itself. */
export function onKey(event: KeyboardEvent): void {
  const key = keyName(event);
  if (key === null || event.defaultPrevented || ownsKey(event.target, key)) return;
  if (/^[a-z]$/.test(key) && !letters.peek()) return;
  const found = commands.find((entry) => entry.keys.includes(key));
  if (found === undefined || !found.enabled()) return;
  // While the help is open only the commands that close it work.
  if (panel.peek() === "help" && found.id !== "help" && found.id !== "close") return;
  event.preventDefault();
  void found.run();
}

/** Run commands by their keys from now on. */
export function connectKeys(): Stop {
  document.addEventListener("keydown", onKey);
  return () => document.removeEventListener("keydown", onKey);
}
