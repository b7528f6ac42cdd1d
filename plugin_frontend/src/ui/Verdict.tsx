import { lastAt } from "../dense";
import { number, percent } from "../format";
import { type Guess, strongest } from "../minds";
import { className, probe } from "../store/selection";
import { predictions } from "../store/tables";

/** What the net said of an image at the last prediction at or before an ordinal. */
export function guesses(image: number, ordinal: number): Guess[] | undefined {
  return lastAt(predictions.value?.images[image], ordinal);
}

export function chance(guess: Guess): string {
  const share = predictions.value?.scale !== "score" && Number.isFinite(guess.value);
  return share ? percent(guess.value) : number(guess.value);
}

/** "predicted astronaut 45 % · true coffee". */
export function verdict(image: number, ordinal: number): { said: string; truth: string | null } {
  const list = guesses(image, ordinal);
  const top = strongest(list) === null ? undefined : list?.[0];
  const entry = probe.value?.images[image];
  const truth = entry?.class ?? (entry?.label == null ? null : className(probe.value, entry.label));
  return {
    said:
      top === undefined
        ? number(list?.[0]?.value).replace("–", "")
        : `${className(probe.value, top.class)} ${chance(top)}`,
    truth,
  };
}

interface Props {
  image: number;
  /** The position of the picture that this stands beside. */
  at: number;
}

export function Verdict({ image, at }: Props) {
  const { said, truth } = verdict(image, at);
  const top = strongest(guesses(image, at));
  const label = probe.value?.images[image]?.label ?? null;
  if (said === "" && truth === null) return null;
  const right = top === label;
  return (
    <span class="verdict" data-testid="verdict">
      {said !== "" && (
        <>
          predicted <b>{said}</b>
        </>
      )}
      {truth !== null && (
        <>
          {said !== "" && " · "}true <b>{truth}</b>
          {top !== null && label !== null && (
            <span class={right ? "right" : "wrong"}> {right ? "✓" : "✗"}</span>
          )}
        </>
      )}
    </span>
  );
}

/** The strongest classes as bars. */
export function Classes({ image, at }: Props) {
  const list = guesses(image, at) ?? [];
  const label = probe.value?.images[image]?.label ?? null;
  if (list.length === 0) return null;
  const most = Math.max(...list.map((guess) => Math.abs(guess.value)), 1e-12);
  const whole = predictions.value?.scale === "probability" ? 1 : most;
  return (
    <ul class="classes" aria-label="Strongest classes">
      {list.map((guess) => (
        <li key={guess.class} class={guess.class === label ? "truth" : ""}>
          <span>{className(probe.value, guess.class)}</span>
          <i style={{ width: `${Math.max(0, (100 * guess.value) / whole)}%` }} />
          <b>{chance(guess)}</b>
        </li>
      ))}
    </ul>
  );
}
