import type { FunctionComponent } from "preact";
import { type Panel, panel } from "../state/shell";
import { Drawer } from "./Drawer";
import { lazily } from "./lazily";

const PANELS: Readonly<Record<Panel, { title: string; Body: FunctionComponent }>> = {
  notices: {
    title: "Notices",
    Body: lazily(() => import("./Notices").then((module) => module.Notices)),
  },
  costs: {
    title: "Time spent on logging",
    Body: lazily(() => import("./Costs").then((module) => module.Costs)),
  },
  help: {
    title: "Keyboard shortcuts",
    Body: lazily(() => import("./Help").then((module) => module.Help)),
  },
};

/** The panel beside the view, one at a time. */
export function OpenPanel() {
  const which = panel.value;
  if (which === null) return null;
  const { title, Body } = PANELS[which];
  return (
    <Drawer key={which} title={title} testid={which}>
      <Body />
    </Drawer>
  );
}
