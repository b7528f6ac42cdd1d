/** The parts of an address that can be resolved only once the run's index is loaded. */

import { signal } from "@preact/signals";

export const pending = signal<{
  step?: string | undefined;
  A?: string | undefined;
  layer?: string | undefined;
  kind?: string | undefined;
}>({});
