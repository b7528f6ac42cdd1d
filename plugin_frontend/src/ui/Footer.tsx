import { useSignal } from "@preact/signals";
import { plural } from "../model/format";
import { epochCount, kerasLabel, lastOf, parseStep, seams, token } from "../model/positions";
import { cursor, follow, moveTo, position, setFollow, unseen } from "../state/cursor";
import { plannedEpochs } from "../state/naming";
import { note } from "../state/notes";
import { changeSpeed, pause, playing, speed } from "../state/play";
import { positions } from "../state/run";
import { CommandButton } from "./CommandButton";
import { Icon } from "./icons";
import { StepSlider } from "./StepSlider";

export function Footer() {
  return (
    <footer class="transport">
      <div class="group">
        <CommandButton id="back">
          <Icon name="back" />
          <span class="sr">Back</span>
        </CommandButton>
        <CommandButton id="play" pressed={playing.value}>
          <Icon name={playing.value ? "pause" : "play"} />
          <span class="sr">{playing.value ? "Pause" : "Play"}</span>
        </CommandButton>
        <CommandButton id="forward">
          <Icon name="forward" />
          <span class="sr">Forward</span>
        </CommandButton>
        <button
          type="button"
          class="button quiet speed"
          data-testid="speed"
          title="Playback speed, steps per second"
          onClick={(event) => changeSpeed(event.shiftKey ? -1 : 1)}
        >
          {speed.value}/s
        </button>
      </div>
      <StepSlider />
      <div class="group">
        <StepInput />
        <CommandButton id="follow" pressed={follow.value} cap />
        {unseen.value > 0 && (
          <button
            type="button"
            class="chip-button"
            data-testid="unseen"
            title="Go to the newest data and follow it"
            onClick={() => setFollow(true)}
          >
            {newWords(unseen.value)}
          </button>
        )}
      </div>
    </footer>
  );
}

/** Count what is new: "3 new epochs", or steps if batches are among them. */
function newWords(count: number): string {
  const fresh = positions.value.slice(-count);
  const epochs = fresh.every((entry) => entry.batch === null && !entry.final);
  return epochs ? plural(count, "new epoch") : plural(count, "new step");
}

function StepInput() {
  /** The text being typed; new positions do not change it. */
  const typed = useSignal<string | null>(null);
  const list = positions.value;
  const now = position.value;
  const at = token(list, cursor.value);
  const planned = now === null ? null : plannedEpochs(now);
  const last = now === null ? undefined : lastOf(list, now.segment);
  const several = seams(list).length > 0;
  return (
    <form
      class="step"
      title={
        now === null
          ? ""
          : [
              "Epochs count from 0.",
              planned !== null &&
                now.epoch < planned &&
                `Keras prints this one as “${kerasLabel(now, planned)}”.`,
              now.batch !== null && "Batches count from the start of the fit.",
              `Last logged: epoch ${last?.epoch}.`,
            ]
              .filter(Boolean)
              .join(" ")
      }
      onSubmit={(event) => {
        event.preventDefault();
        const input = event.currentTarget.elements.namedItem("step") as HTMLInputElement;
        const ordinal = parseStep(input.value, list);
        if (ordinal === null) {
          note(`There is no epoch ${input.value} in this run.`);
          typed.value = null;
          input.value = at;
          return;
        }
        pause();
        moveTo(ordinal);
        input.blur();
      }}
    >
      <label for="step">epoch</label>
      <input
        id="step"
        name="step"
        data-testid="step"
        autocomplete="off"
        spellcheck={false}
        value={typed.value ?? at}
        size={Math.max(at.length, 2)}
        onInput={(event) => {
          typed.value = event.currentTarget.value;
        }}
        onFocus={(event) => event.currentTarget.select()}
        onBlur={(event) => {
          typed.value = null;
          event.currentTarget.value = token(positions.peek(), cursor.peek());
        }}
        onKeyDown={(event) => event.key === "Escape" && event.currentTarget.blur()}
      />
      {now !== null && <span data-testid="epoch-count">({epochCount(now, planned)})</span>}
      {several && now !== null && <span class="dim">fit {now.segment}</span>}
    </form>
  );
}
