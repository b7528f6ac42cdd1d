import type { ComponentChildren } from "preact";
import { useErrorBoundary } from "preact/hooks";
import { familyOf } from "../families";
import { heads, positions, refused, runs, segmentCount } from "../store/run";
import { kind, layer } from "../store/selection";
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

const Empty = lazily(() => import("./Empty").then((of) => of.Empty));
const Health = lazily(() => import("./HealthView").then((of) => of.HealthView), Place);
const Predictions = lazily(() => import("./PredictionsView").then((of) => of.Predictions), Place);
const Cams = lazily(() => import("./Cams").then((of) => of.Cams), Place);

/** Of a view that is on its way. */
function Place({ children }: { children: ComponentChildren }) {
  return <section class="view">{children}</section>;
}

/** A fault of the page itself is said in its place, with the way on. */
export function App() {
  const [fault, tryAgain] = useErrorBoundary();
  if (fault === undefined) return <Page />;
  return (
    <main class="empty" aria-live="assertive" data-testid="fault">
      <div>
        <h2>The page met a fault of its own</h2>
        <pre>{String(fault)}</pre>
        <p>
          What was logged is not touched.{" "}
          <button type="button" class="button" onClick={tryAgain}>
            Show it again
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
  if (heads.value === null) {
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
    return (
      <p class="hint">The run has begun. The first pictures come at the end of its first epoch.</p>
    );
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

/** A layer that nothing was logged of; its facts say why. */
function Undrawn() {
  if (layer.value === null) return <p class="hint">Choose a layer on the left.</p>;
  return (
    <div class="work">
      <section class="view" data-testid="undrawn">
        <h2 class="sr">{layer.value}</h2>
        <LayerFacts open />
      </section>
    </div>
  );
}
