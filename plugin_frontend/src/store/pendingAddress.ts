/** What of an address waits for the run's heads before it can be understood. */

import { signal } from "@preact/signals";

export const waiting = signal<{
  step?: string | undefined;
  A?: string | undefined;
  layer?: string | undefined;
  kind?: string | undefined;
}>({});
