import { topClass } from "../model/predictions";
import { className, probe } from "../state/selection";
import { predictions } from "../state/tables";
import { predictionAt, scoreText, verdict } from "../state/verdict";

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
          <span>{className(probe.value, entry.class, image)}</span>
          <i style={{ width: `${Math.max(0, (100 * entry.value) / whole)}%` }} />
          <b>{scoreText(entry)}</b>
        </li>
      ))}
    </ul>
  );
}
