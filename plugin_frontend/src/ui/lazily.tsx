import { signal } from "@preact/signals";
import { type ComponentChildren, Fragment, type FunctionComponent } from "preact";
import { useEffect } from "preact/hooks";
import { attempt } from "../store/run";

/**
 * A component whose code comes when it is first shown, so that the first screen does not wait for
 * it; `Place` is around what stands in for it. Where it does not come the component says so, and
 * tries again when the server is back.
 */
export function lazily<P extends object>(
  load: () => Promise<FunctionComponent<P>>,
  Place: FunctionComponent<{ children: ComponentChildren }> = Fragment,
): FunctionComponent<P> {
  const held = signal<{ Part: FunctionComponent<P> | null; failed: boolean }>({
    Part: null,
    failed: false,
  });
  const ask = () => {
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
    useEffect(ask, [attempt.value]);
    const { Part, failed } = held.value;
    if (Part !== null) return <Part {...props} />;
    return <Place>{failed && <NotLoaded />}</Place>;
  };
}

/** The hashed name of what is loaded later is gone when tbviz was updated under an open page. */
export const NOT_LOADED =
  "This part of the page cannot be loaded: TensorBoard does not answer, or tbviz was updated " +
  "while the page was open. Reloading the page helps.";

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
