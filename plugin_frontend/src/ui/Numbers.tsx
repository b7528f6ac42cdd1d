import { levelValue } from "../draw/color";
import type { Sheet } from "../draw/png";
import { number, percent } from "../model/format";
import { field, type Json, type JsonNumber, toNumber } from "../model/json";
import { shortLabel } from "../model/positions";
import { channelStatisticOf } from "../model/statistics";
import { channelTable } from "../state/channels";
import { cursor, position } from "../state/cursor";
import { isEmpty } from "../state/naming";
import { positions } from "../state/run";
import type { Shown } from "../state/watch";

/** The channel that the numbers describe. */
export interface Measured {
  layer: string;
  channel: number;
}

/** Append the position of a record to a text if it is not the cursor's. */
export function withMoment(text: string, ordinal: number): string {
  const [at, here] = [positions.value[ordinal], position.value];
  const when = at === undefined || at === here ? "" : shortLabel(at, here);
  return [text, when].filter(Boolean).join(" · ");
}

/** Return the value of one bar of a diagram: 0 is beside and above it. */
function barValue(own: Sheet, bar: number, bars: number): number {
  const [lo = Number.NaN, hi = Number.NaN] = own.ranges ?? [];
  const [from, to] = [(bar * own.width) / bars, ((bar + 1) * own.width) / bars];
  let value = 0;
  for (const [at, level] of own.pixels.entries()) {
    const x = at % own.width;
    if (x < from || x >= to) continue;
    const here = levelValue(level, lo, hi);
    if (Number.isNaN(here)) return here;
    if (Math.abs(here) > Math.abs(value)) value = here;
  }
  return value;
}

/** Fields of a sheet's text that hold a number per tile. */
const TEXT_FIELDS: Record<string, { label: string; share?: boolean }> = {
  scores: { label: "score reached" },
  moved: { label: "change since the first snapshot", share: true },
  shares: { label: "share of the filter shown", share: true },
};

/** Return the numbers of a tile in the sheet's text, formatted. */
function storedNumbers(shown: Shown, tile: number): [string, string][] {
  const list = field(shown.sheets[0]?.text ?? undefined, "tiles");
  const chance = Array.isArray(list) ? field(list[tile], "probability") : undefined;
  const first: [string, string][] =
    typeof chance === "number" ? [["probability", percent(chance)]] : [];
  return first.concat(
    Object.entries(TEXT_FIELDS).flatMap(([name, { label, share }]) => {
      const list = field(shown.sheets[0]?.text ?? undefined, name);
      const value: Json | undefined = Array.isArray(list) ? list[tile] : undefined;
      if (typeof value !== "number" && typeof value !== "string") return [];
      const read = toNumber(value as JsonNumber);
      return [[label, share ? percent(read) : number(read)]];
    }),
  );
}

/** Label the range of a tile; a bar has one value instead. */
const rangeLabel = ({ layout }: Shown) =>
  (layout.bars === undefined ? "range" : "value") + (layout.images > 0 ? " on this image" : "");

interface NumbersProps {
  /** The tile in the sheet; -1 for none. */
  at: number;
  own: Sheet | null;
  shown: Shown;
  measured: Measured | null;
}

/** The numbers of one tile: those of the sheet, and those of its channel if it is one. */
export function Numbers({ at, own, shown, measured }: NumbersProps) {
  const known = measured !== null && channelTable.value?.layer === measured.layer;
  const held = known ? (channelTable.value?.answer ?? null) : null;
  const stored = storedNumbers(shown, at);
  const { bars } = shown.layout;
  const bar = bars === undefined || measured === null ? -1 : bars.indexOf(measured.channel);
  const [lo, hi] = [own?.ranges?.[0], own?.ranges?.[1]];
  const empty = isEmpty(measured === null ? undefined : { is: "channel", ...measured });
  return (
    <dl class="numbers two" data-testid="numbers">
      {lo !== undefined && hi !== undefined && !empty && (bars === undefined || bar >= 0) && (
        <>
          <dt>{withMoment(rangeLabel(shown), shown.ordinal)}</dt>
          <dd class="wide" data-testid="own-range">
            {own !== null && bars !== undefined
              ? number(barValue(own, bar, bars.length))
              : `${number(lo)} to ${number(hi)}`}
          </dd>
        </>
      )}
      {stored.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd class="wide">{value}</dd>
        </>
      ))}
      {held !== null && held.position !== cursor.value && (
        <>
          <dt>on all images</dt>
          <dd class="wide">{withMoment("", held.position)}</dd>
        </>
      )}
      {Object.entries(held?.columns ?? {}).map(([name, values]) => {
        const value = measured === null ? undefined : values[measured.channel];
        if (value === undefined) return null;
        const read = toNumber(value);
        const { label, help, share } = channelStatisticOf(name);
        return (
          <>
            <dt key={name} title={`${help}, on all probe images`}>
              {label}
            </dt>
            <dd data-statistic={name}>{share ? percent(read) : number(read)}</dd>
          </>
        );
      })}
    </dl>
  );
}
