import { useMemo } from "preact/hooks";
import { isNumbered, nounOf } from "../captions";
import { familyOf, splitKind, tileAnImage } from "../families";
import { number, percent } from "../format";
import { field, type Json, type JsonNumber, toNumber } from "../json";
import type { Sheet } from "../png";
import { briefly } from "../positions";
import { statisticOf } from "../statistics";
import { channelTable } from "../store/channels";
import { cursor, position } from "../store/cursor";
import { watchFilm } from "../store/film";
import { sheetRange } from "../store/look";
import { companion, main, type Shown } from "../store/pictures";
import { positions } from "../store/run";
import {
  channelsOf,
  imageName,
  kind,
  layout,
  path,
  probeAt,
  shownChannel,
  shownImage,
} from "../store/selection";
import { tileOf } from "../tiles";
import { CommandButton } from "./CommandButton";
import { Film, Tile } from "./Film";
import { Icon } from "./icons";
import { LayerFacts } from "./LayerFacts";
import { nameOf, notShown, ownerOf } from "./naming";
import { Photograph } from "./Probes";

const FRAMES = 12;

const film = watchFilm(() => {
  const [wanted, of] = [kind.value, path.value];
  if (wanted === null || of === null || layout.value === null) return null;
  if (familyOf(wanted).view !== "sheet") return null;
  const images = layout.value.images;
  const number_ = shownChannel.value;
  if (number_ === null) return null;
  const image = images > 0 ? shownImage.value : 0;
  return { kind: wanted, layer: of, image, channel: number_ };
}, FRAMES);

/** One tile: what it shows, what excites it most, its numbers, its history. */
export function ChannelPanel() {
  const { shown } = main.value;
  const number_ = shownChannel.value;
  if (shown === null || number_ === null || familyOf(shown.kind).view !== "sheet") {
    return <aside class="side" />;
  }
  const own = cutTile(shown, number_);
  const other = companion.value.shown;
  const [sheet] = shown.sheets;
  const range = sheet === undefined ? null : sheetRange(sheet);
  const tile = channelsOf(shown.layout).indexOf(number_);
  const name = nameOf(shown, Math.max(tile, 0));
  const numbered = isNumbered(shown.layout, shown.kind);
  const photo = photoBeside(shown, tile);
  return (
    <aside class="side" aria-label={name} data-testid="channel-panel">
      <div class="side-head">
        <h2 title={name}>
          {numbered ? (
            <>
              <span class="noun">{nounOf(shown.kind)}</span>{" "}
              <span data-testid="channel-number">{number_}</span>
              <span class="dim"> of {shown.layout.total ?? shown.layout.tiles}</span>
            </>
          ) : (
            name
          )}
        </h2>
        <CommandButton id="channelBack" class="quiet small">
          <Icon name="back" />
          <span class="sr">Channel back</span>
        </CommandButton>
        <CommandButton id="channelForward" class="quiet small">
          <Icon name="forward" />
          <span class="sr">Channel on</span>
        </CommandButton>
      </div>
      <div class={`pair ${other === null && photo === null ? "one" : ""}`}>
        {own !== null && (
          <figure>
            <Tile
              sheet={own}
              range={range}
              label={`${name} of ${ownerOf(shown)}`}
              testid="channel"
              attributes={{ "data-channel": number_, "data-position": shown.ordinal }}
            />
            <figcaption>{said(saying(shown), shown.ordinal)}</figcaption>
          </figure>
        )}
        {other !== null && <Companion shown={other} channel={number_} />}
        {other === null && photo !== null && (
          <figure>
            <Photograph index={photo} />
            <figcaption>{imageName(probeAt(shown.ordinal), photo)}</figcaption>
          </figure>
        )}
      </div>
      <Numbers channel={number_} own={own} shown={shown} />
      <Film film={film.value} range={range} />
      <LayerFacts />
    </aside>
  );
}

/** The probe image to lay beside a tile: the one that it was made of. */
function photoBeside(shown: Shown, tile: number): number | null {
  const { images, tiles, columns, row_titles: rows, column_titles: across } = shown.layout;
  if (images > 0) return shown.kind === "activations" ? null : shownImage.value;
  const count = probeAt(shown.ordinal)?.images.length;
  if (shown.kind === "augmentation" && rows?.length === count) return Math.floor(tile / columns);
  if (!tileAnImage(shown.kind)) return null;
  if (across?.length === count) return tile % columns;
  return tiles === count ? tile : null;
}

function saying(shown: Shown): string {
  if (shown.kind === "maximization") return "what excites it most";
  if (shown.kind !== "activations") return "";
  return `response to ${imageName(probeAt(shown.ordinal), shown.images[0] ?? shownImage.value)}`;
}

/** With the moment behind it where that is not the cursor's. */
function said(text: string, ordinal: number): string {
  const [at, here] = [positions.value[ordinal], position.value];
  const when = at === undefined || at === here ? "" : briefly(at, here);
  return [text, when].filter(Boolean).join(" · ");
}

/** The tile of one channel as a sheet of its own. */
function cutTile(shown: Shown, channel: number): Sheet | null {
  const [sheet] = shown.sheets;
  const at = channelsOf(shown.layout).indexOf(channel);
  if (sheet === undefined || at < 0) return null;
  const { tile: size, columns } = shown.layout;
  return {
    width: size[1],
    height: size[0],
    channels: sheet.channels,
    pixels: tileOf(sheet, size, columns, at),
    ranges: sheet.ranges?.slice(2 * at, 2 * at + 2) ?? null,
    text: sheet.text,
  };
}

function Companion({ shown, channel }: { shown: Shown; channel: number }) {
  const own = useMemo(() => cutTile(shown, channel), [shown, channel]);
  if (shown.sheets.length === 0) return <p class="dim small">{notShown(shown)}</p>;
  if (own === null) {
    return <p class="dim small">Channel {channel} was not maximized.</p>;
  }
  const range = shown.sheets[0]?.ranges ? sheetRange(shown.sheets[0]) : null;
  return (
    <figure>
      <Tile
        sheet={own}
        range={range}
        label={`${saying(shown)}: channel ${channel} of ${shown.layer}`}
        testid="companion"
      />
      <figcaption>{said(saying(shown), shown.ordinal)}</figcaption>
    </figure>
  );
}

/** What a sheet's text may say of each tile. */
const SAID: Record<string, { label: string; share?: boolean }> = {
  scores: { label: "score reached" },
  moved: { label: "moved since the first step", share: true },
  shares: { label: "share of the filter shown", share: true },
};

/** The numbers that a sheet's text has of a tile, as they are written. */
function ofTile(shown: Shown, tile: number): [string, string][] {
  const list = field(shown.sheets[0]?.text ?? undefined, "tiles");
  const chance = Array.isArray(list) ? field(list[tile], "probability") : undefined;
  const first: [string, string][] =
    typeof chance === "number" ? [["probability", percent(chance)]] : [];
  return first.concat(
    Object.entries(SAID).flatMap(([name, { label, share }]) => {
      const list = field(shown.sheets[0]?.text ?? undefined, name);
      const value: Json | undefined = Array.isArray(list) ? list[tile] : undefined;
      if (typeof value !== "number" && typeof value !== "string") return [];
      const read = toNumber(value as JsonNumber);
      return [[label, share ? percent(read) : number(read)]];
    }),
  );
}

const SHARES = new Set(["sparsity", "saturated"]);
const SHORT: Record<string, string> = { minimum: "min", maximum: "max" };

function Numbers({ channel, own, shown }: { channel: number; own: Sheet | null; shown: Shown }) {
  const of = splitKind(shown.kind)[0];
  const answers = of === "activations" || of === "maximization";
  const known = answers && channelTable.value?.layer === shown.layer;
  const held = known ? (channelTable.value?.answer ?? null) : null;
  const told = ofTile(shown, channelsOf(shown.layout).indexOf(channel));
  const [lo, hi] = [own?.ranges?.[0], own?.ranges?.[1]];
  return (
    <dl class="numbers two" data-testid="numbers">
      {lo !== undefined && hi !== undefined && (
        <>
          <dt>{said(shown.layout.images > 0 ? "on this image" : "values", shown.ordinal)}</dt>
          <dd class="wide">
            {number(lo)} to {number(hi)}
          </dd>
        </>
      )}
      {told.map(([name, value]) => (
        <>
          <dt key={name}>{name}</dt>
          <dd class="wide">{value}</dd>
        </>
      ))}
      {held !== null && held.position !== cursor.value && (
        <>
          <dt>on all images</dt>
          <dd class="wide">{said("", held.position)}</dd>
        </>
      )}
      {Object.entries(held?.columns ?? {}).map(([name, values]) => {
        const value = values[channel];
        if (value === undefined) return null;
        const read = toNumber(value);
        return (
          <>
            <dt key={name} title={`${statisticOf(name).help}, on all probe images`}>
              {SHORT[name] ?? name}
            </dt>
            <dd>{SHARES.has(name) ? percent(read) : number(read)}</dd>
          </>
        );
      })}
    </dl>
  );
}
