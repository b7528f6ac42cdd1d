import { signal } from "@preact/signals";
import { type ComponentChildren, Fragment, type FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { attempt } from "../state/run";

/**
 * Return a component whose code is loaded when it is first shown, so that the first screen does not
 * wait for it; `Wrapper` is drawn meanwhile. If loading fails the component shows an error, and
 * tries again when the server is back.
 */
export function lazily<P extends object>(
  load: () => Promise<FunctionComponent<P>>,
  Wrapper: FunctionComponent<{ children: ComponentChildren }> = Fragment,
): FunctionComponent<P> {
  const held = signal<{ Part: FunctionComponent<P> | null; failed: boolean }>({
    Part: null,
    failed: false,
  });
  const request = () => {
    if (held.peek().Part !== null) return;
    load().then(
      (Part) => {
        held.value = { Part, failed: false };
      },
      () => {
        held.value = { Part: null, failed: true };
      },
    );
  };
  return function Lazy(props: P) {
    useEffect(request, [attempt.value]);
    const { Part, failed } = held.value;
    if (Part !== null) return <Part {...props} />;
    return <Wrapper>{failed && <NotLoaded />}</Wrapper>;
  };
}

/** After an update of tbviz an open page requests hashed file names that no longer exist. */
export const NOT_LOADED =
  "This part of the page cannot be loaded: TensorBoard is not responding, or tbviz was updated " +
  "while the page was open. Reload the page.";

function NotLoaded() {
  return (
    <div class="reason" role="alert" data-testid="not-loaded">
      <p>{NOT_LOADED}</p>
      <button type="button" class="button" onClick={() => location.reload()}>
        Reload the page
      </button>
    </div>
  );
}
