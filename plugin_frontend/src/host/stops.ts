/** What was connected can be disconnected. */

export type Stop = () => void;

/** Return one stop for several, in reverse order. */
export const stopAll =
  (...stops: readonly Stop[]): Stop =>
  () => {
    for (const stop of stops.toReversed()) stop();
  };
