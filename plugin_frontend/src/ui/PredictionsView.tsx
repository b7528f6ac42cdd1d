import { useMemo } from "preact/hooks";
import type { Line } from "../draw/plot";
import { number, plural } from "../model/format";
import { label } from "../model/positions";
import {
  classesToPlot,
  colorsOf,
  countCorrect,
  type PredictionChange,
  predictionChanges,
  scoresOf,
} from "../model/predictionLines";
import { topClass } from "../model/predictions";
import { cursor, moveTo, position } from "../state/cursor";
import { image } from "../state/image";
import { pause } from "../state/play";
import { predictionHistory } from "../state/predictionHistory";
import { positions, segmentCount } from "../state/run";
import { className, imageCount, imageName, probe, shownImage } from "../state/selection";
import { predictions } from "../state/tables";
import { predictionAt, scoreText } from "../state/verdict";
import { Plot } from "./Plot";
import { Photograph } from "./Probes";
import { Classes, Verdict } from "./Verdict";

/** Maximum number of lines per image. */
const LINES = 5;
const PROBABILITIES = { low: 0, high: 1 };

/** The predictions for each image over the run. */
function View() {
  const all = predictions.value?.images ?? [];
  // Another fit may have had more images.
  const images = imageCount.value > 0 ? all.slice(0, imageCount.value) : all;
  const here = position.value;
  const last = cursor.value;
  const labeled = images.map((_, index) => truthOf(index)).filter((truth) => truth !== null);
  const right = images.filter((_, index) => {
    const top = topClass(predictionAt(index, last));
    return top !== null && top === truthOf(index);
  }).length;
  return (
    <section class="view" data-testid="view">
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>Predictions</b> · {here === null ? "" : label(here, segmentCount.value)}
            {labeled.length > 0 && (
              <>
                {" "}
                · {right} of {labeled.length} correct
              </>
            )}
          </span>
        </div>
        <span class="space" />
        <span class="legend-text">▼ prediction changed · thick line: true class</span>
      </div>
      <div class="predictions" data-testid="predictions">
        {images.map((history, index) =>
          // The images of a generator have no predictions.
          history.some((list) => list !== undefined) ? (
            <PredictionCard key={index} index={index} />
          ) : null,
        )}
      </div>
    </section>
  );
}

/** The view, and beside it the selected image. */
export function Predictions() {
  return (
    <>
      <View />
      <Panel />
    </>
  );
}

const truthOf = (index: number) => probe.value?.images[index]?.label ?? null;

const useHistory = (index: number) =>
  useMemo(() => predictionHistory(index, cursor.peek()), [predictions.value, probe.value, index]);

/** One image: its photograph, its lines, and their values at the cursor. */
function PredictionCard({ index }: { index: number }) {
  const held = predictions.value;
  const history = useHistory(index);
  const truth = truthOf(index);
  const classes = useMemo(() => classesToPlot(history, truth, LINES), [history, truth]);
  const changes = useMemo(() => predictionChanges(history), [history]);
  const events = useMemo(() => changes.map((change) => change.ordinal), [changes]);
  const colors = useMemo(() => colorsOf(classes), [classes]);
  const lines = useMemo<Line[]>(
    () =>
      [...classes].reverse().map((one) => ({
        label: className(probe.peek(), one, index),
        color: colors.get(one) ?? "--dim",
        values: scoresOf(history, one),
        strong: one === truth,
      })),
    [classes, colors, history, truth],
  );
  const now = predictionAt(index, cursor.value) ?? [];
  const top = topClass(now);
  const weakest = now.slice(0, LINES).at(-1);
  const chosen = shownImage.value === index;
  const name = imageName(probe.value, index);
  return (
    <article
      class={`prediction ${chosen ? "chosen" : ""}`}
      data-testid="prediction"
      data-image={index}
    >
      <button
        type="button"
        class="prediction-photo"
        aria-pressed={chosen}
        aria-label={`Enlarge ${name}`}
        onClick={() => {
          image.value = index;
        }}
      >
        <Photograph index={index} />
        <span>
          <b>{name}</b>
          {truth !== null && top !== null && (
            <span class={top === truth ? "right" : "wrong"}>{top === truth ? " ✓" : " ✗"}</span>
          )}
        </span>
      </button>
      <Plot
        lines={lines}
        label={`Predictions for ${name} over the run`}
        testid="prediction-plot"
        span={held?.scale === "probability" ? PROBABILITIES : undefined}
        events={events}
      />
      <ul class="prediction-legend" aria-label="Classes">
        {classes.map((one) => {
          const score = now.find((entry) => entry.class === one);
          return (
            <li key={one} class={one === top ? "strongest" : ""}>
              <i style={{ background: `var(${colors.get(one)})` }} aria-hidden="true" />
              <span title={one === truth ? "true class" : undefined}>
                {className(probe.value, one, index)}
                {one === truth && <small> true</small>}
              </span>
              {score !== undefined || weakest === undefined ? (
                <b>{score === undefined ? "–" : scoreText(score)}</b>
              ) : (
                <b title="Not logged at this step: at most the lowest logged score">
                  {`≤ ${scoreText(weakest)}`.replace("≤ <", "<")}
                </b>
              )}
            </li>
          );
        })}
      </ul>
    </article>
  );
}

/** "cat → dog". */
function ChangeButton({ change }: { change: PredictionChange }) {
  const at = positions.value[change.ordinal];
  if (at === undefined) return null;
  const name = (index: number) => className(probe.value, index, shownImage.value);
  return (
    <li>
      <button
        type="button"
        class="prediction-change"
        data-testid="prediction-change"
        data-position={change.ordinal}
        aria-current={cursor.value === change.ordinal}
        onClick={() => {
          pause();
          moveTo(change.ordinal);
        }}
      >
        <span class="dim">{label(at, segmentCount.value)}</span> {name(change.from)} →{" "}
        <b>{name(change.to)}</b>
      </button>
    </li>
  );
}

/** The selected image: its prediction at the cursor, and each change of the prediction. */
function Panel() {
  const index = shownImage.value;
  const history = useHistory(index);
  const changes = useMemo(() => predictionChanges(history), [history]);
  const count = countCorrect(history, truthOf(index));
  const name = imageName(probe.value, index);
  return (
    <aside class="side" aria-label={name} data-testid="prediction-panel">
      <div class="side-head">
        <h2>{name}</h2>
      </div>
      <div class="pair one small-photo">
        <figure>
          <Photograph index={index} />
        </figure>
      </div>
      <p>
        <Verdict image={index} at={cursor.value} />
      </p>
      <Classes image={index} at={cursor.value} />
      {count !== null && (
        <p class="dim small">
          Correct in {count.correct} of {plural(count.total, "snapshot")}
        </p>
      )}
      <h3 class="section">
        {changes.length === 0
          ? "Prediction never changed"
          : `Prediction changed ${changes.length === 1 ? "once" : `${number(changes.length)} times`}`}
      </h3>
      <ol class="prediction-changes">
        {changes.map((change) => (
          <ChangeButton key={change.ordinal} change={change} />
        ))}
      </ol>
    </aside>
  );
}
