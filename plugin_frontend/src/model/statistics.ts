/** The statistics of layer health: name, definition, format. */

import { number, percent } from "./format";

export interface Statistic {
  title: string;
  help: string;
  /** A share is written in percent, a count stands beside how many there could be. */
  unit: "share" | "count" | "number";
  /** Whether the map of all layers can show it: comparable from layer to layer. */
  mapped: boolean;
  /** Compares a snapshot with the one before: NaN at the first. */
  compares?: true;
  /** Shown by badges and by marks in charts alone. */
  marked?: true;
}

/** Shown by badges and marks without a name of its own. */
const MARKED: Statistic = { title: "", help: "", unit: "number", mapped: false, marked: true };

export const STATISTICS: Readonly<Record<string, Statistic>> = {
  dead: {
    title: "Dead channels",
    help: "channels with constant output on all probe images",
    unit: "count",
    mapped: true,
  },
  saturated: {
    title: "Saturated channels",
    help: "channels whose output is at a limit of the activation function almost everywhere",
    unit: "count",
    mapped: true,
  },
  duplicates: {
    title: "Duplicate channels",
    help: "channels that are nearly equal to another channel of the layer",
    unit: "count",
    mapped: true,
  },
  sparsity: {
    title: "Sparsity",
    help: "share of the outputs that are zero",
    unit: "share",
    mapped: true,
  },
  similarity: {
    title: "Similarity to input",
    help: "largest correlation of a channel with the grayscale input, mean over the probe images",
    unit: "share",
    mapped: true,
  },
  output_change: {
    title: "Output change",
    help: "distance from the output at the previous snapshot, relative to its norm",
    unit: "number",
    mapped: true,
    compares: true,
  },
  weight_norm: {
    title: "Weight norm",
    help: "norm of all weights of the layer, taken as one vector",
    unit: "number",
    mapped: true,
  },
  weight_update: {
    title: "Weight update (relative)",
    help: "distance from the weights at the previous snapshot, relative to their norm",
    unit: "number",
    mapped: true,
    compares: true,
  },
  nonfinite: {
    title: "Not finite",
    help: "share of the outputs that are NaN or infinite",
    unit: "share",
    mapped: true,
  },
  nan: { ...MARKED },
  weight_fault: { ...MARKED },
  mean: { title: "Mean", help: "mean of the outputs", unit: "number", mapped: false },
  std: {
    title: "Std. dev.",
    help: "standard deviation of the outputs",
    unit: "number",
    mapped: false,
  },
  minimum: { title: "Minimum", help: "minimum output", unit: "number", mapped: false },
  maximum: { title: "Maximum", help: "maximum output", unit: "number", mapped: false },
};

/** Return an entry of a table; a name that every object has is none. */
const entryOf = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

interface ChannelStatistic {
  /** Absent where it is called as that of the layer. */
  label?: string;
  help: string;
  share?: true;
}

/** The statistics of one channel. */
export const CHANNEL_STATISTICS: Readonly<Record<string, ChannelStatistic>> = {
  mean: { help: "mean output of the channel" },
  std: { help: "standard deviation of the channel's output" },
  minimum: { label: "min", help: "minimum output of the channel" },
  maximum: { label: "max", help: "maximum output of the channel" },
  sparsity: { help: "share of the channel's output that is zero", share: true },
  similarity: { label: "similarity", help: "correlation of the channel with the grayscale input" },
  saturated: {
    label: "saturated",
    help: "share of the channel's output at a limit of the activation function",
    share: true,
  },
  correlation: { help: "largest correlation with another channel of the layer" },
};

/** Return a statistic of a channel; one that is not in the table is named as it is stored. */
export function channelStatisticOf(name: string): ChannelStatistic & { label: string } {
  const label = statisticOf(name).title.toLowerCase();
  return { label, help: label, ...entryOf(CHANNEL_STATISTICS, name) };
}

/** Statistics of the heat map, in their order. */
export const MAPPED: readonly string[] = Object.keys(STATISTICS).filter(
  (name) => STATISTICS[name]?.mapped,
);

/** Return a statistic; one that is not in the table is named as it is stored. */
export function statisticOf(name: string): Statistic {
  const title = name.replaceAll("_", " ");
  return entryOf(STATISTICS, name) ?? { title, help: title, unit: "number", mapped: false };
}

/** Return the names of the table in its order, then those that only the run has. */
export function withUnknown(names: readonly string[]): string[] {
  return [...Object.keys(STATISTICS), ...names.filter((name) => !Object.hasOwn(STATISTICS, name))];
}

/** Format a value of a statistic: "14 of 32", "33%", "0.12". */
export function formatStatistic(
  name: string,
  value: number | undefined,
  channels?: number | null | undefined,
): string {
  const { unit, compares } = statisticOf(name);
  if (compares && Number.isNaN(value)) return "–";
  if (unit === "share") return percent(value);
  if (unit === "count" && value !== undefined && channels) {
    return `${number(value)} of ${channels}`;
  }
  return number(value);
}
