import { lookAt } from "../byPosition";
import { number, percent } from "../format";
import { type Guess, type Said, strongest } from "../predictions";
import { samePhoto } from "../probes";
import { heads } from "../store/run";
import { className, probe, probeAt } from "../store/selection";
import { predictions } from "../store/tables";

/**
 * What the net said of an image at the last prediction at or before an ordinal. A new `fit` may
 * call another photograph by the same number: what was said of that one is not meant.
 */
export function guesses(image: number, ordinal: number): Guess[] | undefined {
  const said = predictions.value?.images[image];
  const at = lookAt(said, ordinal);
  return at >= 0 && isSame(image, at, ordinal) ? said?.[at] : undefined;
}

function isSame(image: number, at: number, ordinal: number): boolean {
  const [then, now] = [probeAt(at), probeAt(ordinal)];
  return then === now || samePhoto(then, now, image);
}

/** What was said over the run of the photograph that an image is at an ordinal. */
export function saidOf(image: number, ordinal: number): Said {
  const said = predictions.value?.images[image] ?? [];
  if (heads.value === null || heads.value.probes.size < 2) return said;
  return said.map((one, at) => (isSame(image, at, ordinal) ? one : undefined));
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
