/** Names of kinds: those of the table of families, else the title that the run has for a method. */

import { familyOf, kindLabel, variantLabel } from "../model/families";
import { runIndex } from "./run";

/** Return the title of a method: of maps over photographs, the layout's title is its name. */
function methodTitle(kind: string): string {
  if (familyOf(kind).view !== "cams") return "";
  const index = runIndex.value;
  for (const series of index?.series.values() ?? []) {
    if (series.kind === kind) return index?.layouts.get(series.layout)?.title ?? "";
  }
  return "";
}

/** Name a kind. */
export const kindName = (kind: string) => kindLabel(kind, methodTitle(kind));

/** Name the variant of a kind, on its choice. */
export const variantName = (kind: string) => variantLabel(kind, methodTitle(kind));
