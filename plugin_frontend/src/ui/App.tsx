import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { familyOf } from "../model/families";
import { layer } from "../state/layer";
import { positions, refused, runIndex, runs, segmentCount } from "../state/run";
import { kind } from "../state/selection";
import { ChannelPanel } from "./ChannelPanel";
import { Curves } from "./Curves";
import { Footer } from "./Footer";
import { Header } from "./Header";
import { LayerFacts } from "./LayerFacts";
import { lazily } from "./lazily";
import { Notes, Trouble } from "./Messages";
import { OpenPanel } from "./Panels";
import { SheetView } from "./SheetView";
import { Tabs } from "./Tabs";
import { Toolbar } from "./Toolbar";
import { Tree } from "./Tree";

const Empty = lazily(() => import("./Empty").then((module) => module.Empty));
const Health = lazily(() => import("./HealthView").then((module) => module.HealthView), ViewFrame);
const Predictions = lazily(
  () => import("./PredictionsView").then((module) => module.Predictions),
  ViewFrame,
);
const Cams = lazily(() => import("./Cams").then((module) => module.Cams), ViewFrame);

/** The frame of a view that is loading. */
function ViewFrame({ children }: { children: ComponentChildren }) {
  return <section class="view">{children}</section>;
}

/** The page; an error of its own is shown in its place, with a button to continue. */
export function App() {
  const [fault, tryAgain] = useErrorBoundary();
  if (fault === undefined) return <Page />;
  return (
    <main class="empty" aria-live="assertive" data-testid="fault">
      <div>
        <h2>The page crashed</h2>
        <pre>{String(fault)}</pre>
        <p>
          The logged data is not affected.{" "}
          <button type="button" class="button" onClick={tryAgain}>
            Try again
          </button>
        </p>
      </div>
    </main>
  );
}

function Page() {
  const empty = runs.value !== null && runs.value.length === 0;
  return (
    <div class="page" data-testid="page">
      <Header />
      <Trouble />
      {empty ? <Empty /> : <Workspace />}
      <Notes />
      <OpenPanel />
    </div>
  );
}

function Workspace() {
  if (runIndex.value === null) {
    return (
      <main class="waiting" aria-busy="true">
        <p>Reading the log …</p>
      </main>
    );
  }
  return (
    <>
      <Tree />
      <main class="main">
        <Curves />
        <Tabs />
        <Toolbar />
        <Refused />
        <View />
      </main>
      <Footer />
    </>
  );
}

/** Says which segments are not read, where their pictures would be. */
function Refused() {
  if (refused.value.length === 0) return null;
  return (
    <div class="refused" role="status" data-testid="refused">
      {refused.value.map((text) => (
        <p key={text}>{text}</p>
      ))}
    </div>
  );
}

function View() {
  if (positions.value.length === 0) {
    if (segmentCount.value > 0 && refused.value.length === segmentCount.value) return null;
    return <p class="hint">Training started. First images after the first epoch.</p>;
  }
  if (kind.value === null) return <Undrawn />;
  switch (familyOf(kind.value).view) {
    case "health":
      return (
        <div class="work">
          <Health />
          <aside class="side">
            <LayerFacts open />
          </aside>
        </div>
      );
    case "predictions":
      return (
        <div class="work">
          <Predictions />
        </div>
      );
    case "cams":
      return (
        <div class="work">
          <Cams />
        </div>
      );
    case "sheet":
      return (
        <div class="work">
          <SheetView />
          <ChannelPanel />
        </div>
      );
  }
}

/** A layer without logged data; its facts give the reason. */
function Undrawn() {
  if (layer.value === null) return <p class="hint">Select a layer on the left.</p>;
  return (
    <div class="work">
      <section class="view" data-testid="undrawn">
        <h2 class="sr">{layer.value}</h2>
        <LayerFacts open />
      </section>
    </div>
  );
}
