import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { dismiss, notes } from "../state/notes";
import { pollNow, trouble } from "../state/poll";
import { Icon } from "./icons";

/** A warning that TensorBoard is not responding, and when the page tries again. */
export function Trouble() {
  const second = useSignal(0);
  const wrong = trouble.value;
  useEffect(() => {
    if (wrong === null) return;
    const timer = setInterval(() => {
      second.value += 1;
    }, 1000);
    return () => clearInterval(timer);
  }, [wrong, second]);
  if (wrong === null) return null;
  void second.value;
  const seconds = Math.max(0, Math.ceil((wrong.next - Date.now()) / 1000));
  return (
    <div class="trouble" data-testid="trouble">
      <Icon name="warning" />
      {/* The countdown is no part of the alert, or it would be read out every second. */}
      <span>
        <span role="alert">{wrong.text}. Showing the last data received.</span> Trying again in{" "}
        {seconds} s.
      </span>
      <button type="button" class="button" onClick={() => pollNow(true)}>
        Try now
      </button>
    </div>
  );
}

export function Notes() {
  return (
    <div class="notes" role="status" data-testid="notes">
      {notes.value.map(({ id, text }) => (
        <div class="note" key={id}>
          <span>{text}</span>
          <button
            type="button"
            class="bare"
            aria-label="Dismiss this note"
            onClick={() => dismiss(id)}
          >
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}
