/** The photographs of the probe, decoded. */

import { signal } from "@preact/signals";
import type { Sheet } from "../draw/png";
import { samePhoto } from "../model/probes";
import type { Probe } from "../model/records";

/** The photographs themselves, decoded. */
export const photographs = signal<{ probe: Probe | null; sheets: (Sheet | null)[] }>({
  probe: null,
  sheets: [],
});

/** Return a photograph of this very probe; null while it is loading. */
export function photoOf(owner: Probe | null, index: number): Sheet | null {
  const { probe: held, sheets: decoded } = photographs.value;
  return samePhoto(held, owner, index) ? (decoded[index] ?? null) : null;
}
