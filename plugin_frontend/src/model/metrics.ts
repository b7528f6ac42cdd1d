/** (names of metrics) => pairs that belong into one plot: `loss` with `val_loss`. */

import { capitalized } from "./format";

export interface Pair {
  name: string;
  train: string | null;
  validation: string | null;
}

const FIRST = ["loss", "accuracy", "sparse_categorical_accuracy", "categorical_accuracy", "acc"];
const LAST = ["learning_rate", "lr"];

export function pairs(tags: Iterable<string>): Pair[] {
  const out = new Map<string, Pair>();
  for (const tag of tags) {
    const validation = tag.startsWith("val_");
    const name = validation ? tag.slice(4) : tag;
    const pair = out.get(name) ?? { name, train: null, validation: null };
    out.set(name, validation ? { ...pair, validation: tag } : { ...pair, train: tag });
  }
  const rank = ({ name }: Pair) => {
    const first = FIRST.indexOf(name);
    return first >= 0 ? first : LAST.includes(name) ? 1000 : 100;
  };
  return [...out.values()].sort((a, b) => rank(a) - rank(b));
}

/** "Loss", "Sparse categorical accuracy". */
export const title = (name: string) => capitalized(name.replaceAll("_", " "));

/** The pairs to show: the chosen ones that exist, else the first two. */
export function shownPairs(all: readonly Pair[], names: readonly string[] | null): Pair[] {
  const found = (names ?? []).flatMap((name) => all.filter((pair) => pair.name === name));
  const rest = all.filter((pair) => !found.includes(pair));
  return [...found, ...rest].slice(0, 2);
}
