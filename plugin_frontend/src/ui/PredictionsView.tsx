import { useMemo } from "preact/hooks";
import { number, percent } from "../format";
import { label } from "../positions";
import {
  type Change,
  changes,
  colorsOf,
  lineOf,
  rightShare,
  strongest,
  worthALine,
} from "../predictions";
import { cursor, moveTo, position } from "../store/cursor";
import { pause } from "../store/play";
import { positions, segmentCount } from "../store/run";
import { className, image, imageCount, imageName, probe, shownImage } from "../store/selection";
import { predictions } from "../store/tables";
import { type Line, Plot } from "./Plot";
import { Photograph } from "./Probes";
import { Classes, chance, guesses, saidOf, Verdict } from "./Verdict";

/** Lines of one image. */
const LINES = 5;
const PROBABILITIES = { low: 0, high: 1 };

/** What the model says of each image over the run. */
function View() {
  const all = predictions.value?.images ?? [];
  // Another fit may have had more.
  const images = imageCount.value > 0 ? all.slice(0, imageCount.value) : all;
  const here = position.value;
  const last = cursor.value;
  const labeled = images.map((_, index) => truthOf(index)).filter((truth) => truth !== null);
  const right = images.filter((_, index) => {
    const top = strongest(guesses(index, last));
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
                · {right} of {labeled.length} recognized
              </>
            )}
          </span>
        </div>
        <span class="space" />
        <span class="legend-text">▼ it changed its mind · thick: the true class</span>
      </div>
      <div class="minds" data-testid="minds">
        {images.map((_, index) => (
          <Mind key={index} index={index} />
        ))}
      </div>
    </section>
  );
}

/** The view, and beside it the chosen image. */
export function Predictions() {
  return (
    <>
      <View />
      <Panel />
    </>
  );
}

const truthOf = (index: number) => probe.value?.images[index]?.label ?? null;

const useSaid = (index: number) =>
  useMemo(() => saidOf(index, cursor.peek()), [predictions.value, probe.value, index]);

/** One image: its picture, its lines, and what they are at the cursor. */
function Mind({ index }: { index: number }) {
  const held = predictions.value;
  const said = useSaid(index);
  const truth = truthOf(index);
  const classes = useMemo(() => worthALine(said, truth, LINES), [said, truth]);
  const turns = useMemo(() => changes(said), [said]);
  const events = useMemo(() => turns.map((turn) => turn.ordinal), [turns]);
  const colors = useMemo(() => colorsOf(classes), [classes]);
  const lines = useMemo<Line[]>(
    () =>
      [...classes].reverse().map((one) => ({
        label: className(probe.peek(), one),
        color: colors.get(one) ?? "--dim",
        values: lineOf(said, one),
        strong: one === truth,
      })),
    [classes, colors, said, truth],
  );
  const now = guesses(index, cursor.value) ?? [];
  const top = strongest(now);
  const weakest = now.slice(0, LINES).at(-1);
  const chosen = shownImage.value === index;
  const name = imageName(probe.value, index);
  return (
    <article class={`mind ${chosen ? "chosen" : ""}`} data-testid="mind" data-image={index}>
      <button
        type="button"
        class="mind-photo"
        aria-pressed={chosen}
        aria-label={`Look closer at ${name}`}
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
        label={`What the model says of ${name} over the run`}
        testid="mind-plot"
        span={held?.scale === "probability" ? PROBABILITIES : undefined}
        events={events}
      />
      <ul class="mind-legend" aria-label="Classes">
        {classes.map((one) => {
          const guess = now.find((entry) => entry.class === one);
          return (
            <li key={one} class={one === top ? "strongest" : ""}>
              <i style={{ background: `var(${colors.get(one)})` }} aria-hidden="true" />
              <span title={one === truth ? "the true class" : undefined}>
                {className(probe.value, one)}
                {one === truth && <small> true</small>}
              </span>
              {guess !== undefined || weakest === undefined ? (
                <b>{guess === undefined ? "–" : chance(guess)}</b>
              ) : (
                <b title="Not among its strongest classes here: at most as the last of them">
                  {`≤ ${chance(weakest)}`.replace("≤ <", "<")}
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
function Turn({ turn }: { turn: Change }) {
  const at = positions.value[turn.ordinal];
  if (at === undefined) return null;
  return (
    <li>
      <button
        type="button"
        class="turn"
        data-testid="turn"
        data-position={turn.ordinal}
        aria-current={cursor.value === turn.ordinal}
        onClick={() => {
          pause();
          moveTo(turn.ordinal);
        }}
      >
        <span class="dim">{label(at, segmentCount.value)}</span> {className(probe.value, turn.from)}{" "}
        → <b>{className(probe.value, turn.to)}</b>
      </button>
    </li>
  );
}

/** The chosen image: what is said of it now, and each time that this was something else. */
function Panel() {
  const index = shownImage.value;
  const said = useSaid(index);
  const turns = useMemo(() => changes(said), [said]);
  const share = rightShare(said, truthOf(index));
  const name = imageName(probe.value, index);
  return (
    <aside class="side" aria-label={name} data-testid="mind-panel">
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
      {share !== null && <p class="dim small">Recognized at {percent(share)} of the positions.</p>}
      <h3 class="section">
        {turns.length === 0
          ? "It never changed its mind"
          : `It changed its mind ${turns.length === 1 ? "once" : `${number(turns.length)} times`}`}
      </h3>
      <ol class="turns">
        {turns.map((turn) => (
          <Turn key={turn.ordinal} turn={turn} />
        ))}
      </ol>
    </aside>
  );
}
