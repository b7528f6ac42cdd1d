/** The order of the tabs, and which are hidden if there is no room for all. */

import { FAMILIES, familyOf, NUMBERS, splitKind } from "./families";

/** Kinds in the order of the table: known families, then others by name, then the numbers. */
export function ordered(kinds: Iterable<string>): string[] {
  const rank = (kind: string): [number, number, string] => {
    const [name, variant] = splitKind(kind);
    const at = FAMILIES.findIndex((family) => family.name === name);
    const last = NUMBERS.findIndex((family) => family.name === name);
    const group = at >= 0 ? at : last >= 0 ? 1000 + last : 500;
    const variants = Object.keys(familyOf(kind).variants);
    const within = variants.indexOf(variant);
    return [group, within >= 0 ? within : variant === "" ? -1 : 99, kind];
  };
  return [...new Set(kinds)].sort((a, b) => {
    const [x, y] = [rank(a), rank(b)];
    return x[0] - y[0] || (x[0] === 500 ? 0 : x[1] - y[1]) || (x[2] < y[2] ? -1 : 1);
  });
}

/** Kinds by their family, in their order. */
export function byFamily(kinds: readonly string[]): Map<string, string[]> {
  const out = new Map<string, string[]>();
  for (const kind of ordered(kinds)) {
    const [name] = splitKind(kind);
    out.set(name, [...(out.get(name) ?? []), kind]);
  }
  return out;
}

/** The families that are hidden first if there is no room for all tabs: the least used. */
const HIDDEN_FIRST = ["augmentation", "hypercolumns", "overview", "kernels", "classes"];

/** Return the families that do not fit into a width beside a list of them, `more` wide. */
export function overflowing(
  widths: ReadonlyMap<string, number>,
  width: number,
  more: number,
): string[] {
  const names = [...widths.keys()];
  const isNumbers = (name: string) => NUMBERS.some((family) => family.name === name);
  const known = (name: string) => FAMILIES.some((family) => family.name === name);
  const order = [
    ...names.filter((name) => !known(name) && !isNumbers(name)),
    ...HIDDEN_FIRST.filter((name) => widths.has(name)),
    ...names.filter((name) => known(name) && !HIDDEN_FIRST.includes(name)).reverse(),
    ...names.filter(isNumbers).reverse(),
  ];
  let taken = [...widths.values()].reduce((sum, one) => sum + one, 0);
  const out = new Set<string>();
  for (const name of order) {
    if (taken <= width - (out.size > 0 ? more : 0)) break;
    out.add(name);
    taken -= widths.get(name) ?? 0;
  }
  return [...out];
}
