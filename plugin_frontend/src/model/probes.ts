/** Finds the probe image of a sheet, and whether two probes hold the same photograph. */

import type { Layout, Probe } from "./records";

type Shown = Pick<Layout, "images" | "probes">;

/** Indices of the probe images that a record has sheets of, in the order of the sheets. */
export function probesOf(layout: Shown): number[] {
  const all = layout.probes ?? Array.from({ length: layout.images }, (_, i) => i);
  return all.slice(0, layout.images);
}

/** The sheet of a probe image; -1 where this method was not shown it. 0 where none belongs to one. */
export function sheetOf(layout: Shown, image: number): number {
  return layout.images === 0 ? 0 : probesOf(layout).indexOf(image);
}

/** A chosen image, or the first where there are not so many. */
export const inRange = (image: number, count: number) => (image < count ? image : 0);

/**
 * The probe images of each layer's model, in order. Models that share a run have images of their own;
 * images are of one model if the pictures of one layer show both, directly or by way of others.
 */
export function imagesByLayer(
  layouts: Iterable<Shown & Pick<Layout, "layer">>,
): ReadonlyMap<string, readonly number[]> {
  const models = new Map<string, Set<number>>();
  for (const layout of layouts) {
    const own = new Set([...probesOf(layout), ...(models.get(layout.layer) ?? [])]);
    if (own.size === 0) continue;
    const sharing = [...models].filter(([, images]) => [...images].some((one) => own.has(one)));
    for (const images of new Set(sharing.map(([, images]) => images)))
      for (const one of images) own.add(one);
    for (const [layer] of [...sharing, [layout.layer] as const]) models.set(layer, own);
  }
  return new Map([...models].map(([layer, own]) => [layer, [...own].sort((a, b) => a - b)]));
}

/** Whether an index means one photograph in both: every `fit` writes a probe of its own. */
export function samePhoto(a: Probe | null, b: Probe | null, image: number): boolean {
  const [one, other] = [a?.sheets[image], b?.sheets[image]];
  if (one === undefined || other === undefined) return false;
  return one[1] === other[1] && one[2] === other[2];
}
