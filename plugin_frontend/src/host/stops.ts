/** What was connected can be disconnected. */

export type Stop = () => void;

/** Return one stop for several, in their order. */
export const stopAll =
  (...stops: readonly Stop[]): Stop =>
  () => {
    for (const stop of stops) stop();
  };
