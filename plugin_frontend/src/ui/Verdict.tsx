import { lastCaptured } from "../model/byPosition";
import { number, percent } from "../model/format";
import { type ClassScore, type PredictionHistory, topClass } from "../model/predictions";
import { samePhoto } from "../model/probes";
import { runIndex } from "../state/run";
import { className, probe, probeAt } from "../state/selection";
import { predictions } from "../state/tables";

/**
 * Return the last prediction for an image at or before an ordinal. A new `fit` may use the same
 * index for another photograph, whose predictions do not count.
 */
export function predictionAt(image: number, ordinal: number): ClassScore[] | undefined {
  const history = predictions.value?.images[image];
  const at = lastCaptured(history, ordinal);
  return at >= 0 && isSame(image, at, ordinal) ? history?.[at] : undefined;
}

function isSame(image: number, at: number, ordinal: number): boolean {
  const [then, now] = [probeAt(at), probeAt(ordinal)];
  return then === now || samePhoto(then, now, image);
}

/** Return the predictions over the run for the photograph that an image is at an ordinal. */
export function predictionHistory(image: number, ordinal: number): PredictionHistory {
  const history = predictions.value?.images[image] ?? [];
  if (runIndex.value === null || runIndex.value.probes.size < 2) return history;
  return history.map((one, at) => (isSame(image, at, ordinal) ? one : undefined));
}

export function scoreText(entry: ClassScore): string {
  const share = predictions.value?.scale !== "score" && Number.isFinite(entry.value);
  return share ? percent(entry.value) : number(entry.value);
}

/** Return the two names for "predicted astronaut 45% · true coffee". */
export function verdict(
  image: number,
  ordinal: number,
): { predicted: string; truth: string | null } {
  const list = predictionAt(image, ordinal);
  const top = topClass(list) === null ? undefined : list?.[0];
  const entry = probe.value?.images[image];
  const truth = entry?.class ?? (entry?.label == null ? null : className(probe.value, entry.label));
  return {
    predicted:
      top === undefined
        ? number(list?.[0]?.value).replace("–", "")
        : `${className(probe.value, top.class)} ${scoreText(top)}`,
    truth,
  };
}

interface Props {
  image: number;
  /** The position of the picture that this stands beside. */
  at: number;
}

export function Verdict({ image, at }: Props) {
  const { predicted, truth } = verdict(image, at);
  const top = topClass(predictionAt(image, at));
  const label = probe.value?.images[image]?.label ?? null;
  if (predicted === "" && truth === null) return null;
  const right = top === label;
  return (
    <span class="verdict" data-testid="verdict">
      {predicted !== "" && (
        <>
          predicted <b>{predicted}</b>
        </>
      )}
      {truth !== null && (
        <>
          {predicted !== "" && " · "}true <b>{truth}</b>
          {top !== null && label !== null && (
            <span class={right ? "right" : "wrong"}> {right ? "✓" : "✗"}</span>
          )}
        </>
      )}
    </span>
  );
}

/** The top classes as bars. */
export function Classes({ image, at }: Props) {
  const list = predictionAt(image, at) ?? [];
  const label = probe.value?.images[image]?.label ?? null;
  if (list.length === 0) return null;
  const maximum = Math.max(...list.map((entry) => Math.abs(entry.value)), 1e-12);
  const whole = predictions.value?.scale === "probability" ? 1 : maximum;
  return (
    <ul class="classes" aria-label="Top classes">
      {list.map((entry) => (
        <li key={entry.class} class={entry.class === label ? "truth" : ""}>
          <span>{className(probe.value, entry.class)}</span>
          <i style={{ width: `${Math.max(0, (100 * entry.value) / whole)}%` }} />
          <b>{scoreText(entry)}</b>
        </li>
      ))}
    </ul>
  );
}
