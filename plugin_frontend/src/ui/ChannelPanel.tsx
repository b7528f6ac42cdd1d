import { useMemo } from "preact/hooks";
import type { Sheet } from "../draw/png";
import { tileOf } from "../draw/tiles";
import { nounOf } from "../model/captions";
import { familyOf, splitKind } from "../model/families";
import { capitalized, numberRanges, plural } from "../model/format";
import type { FilmRequest } from "../model/scenes";
import { channelsOf, type TileContent, tileContents, tileOfChannel } from "../model/tileContents";
import { sheetRange } from "../state/colorScale";
import { channelCount, imageOf, isEmpty, nameOf, notShown, ownerOf } from "../state/naming";
import { companion, main } from "../state/pictures";
import {
  channels,
  content,
  imageName,
  kind,
  layout,
  path,
  probeAt,
  shownChannel,
  shownImage,
  tile,
} from "../state/selection";
import type { Shown } from "../state/watch";
import { CommandButton } from "./CommandButton";
import { Film, Tile } from "./Film";
import { Icon } from "./icons";
import { LayerFacts } from "./LayerFacts";
import { type Measured, Numbers, withMoment } from "./Numbers";
import { Photograph } from "./Probes";
import { useFilm } from "./useFilm";

function filmRequest(): FilmRequest | null {
  const [shownKind, owner, one] = [kind.value, path.value, content.value];
  if (shownKind === null || owner === null || layout.value === null || one === null) return null;
  if (familyOf(shownKind).view !== "sheet") return null;
  const image = layout.value.images > 0 ? shownImage.value : 0;
  const channel = shownChannel.value;
  return {
    kind: shownKind,
    layer: owner,
    image,
    channel,
    ...(channel === null && { content: one }),
  };
}

/** One tile: its picture, its strongest stimulus, its numbers, its history. */
export function ChannelPanel() {
  const film = useFilm(filmRequest);
  const { shown } = main.value;
  if (shown === null || shown.layout !== layout.value || familyOf(shown.kind).view !== "sheet") {
    return <aside class="side" />;
  }
  const [at, number_] = [tile.value, shownChannel.value];
  const own = cutTile(shown, at);
  const other = companion.value.shown;
  const [sheet] = shown.sheets;
  const range = sheet === undefined ? null : sheetRange(sheet);
  const noun = nounOf(shown.kind, shown.layout);
  const one = content.value;
  const name =
    number_ !== null
      ? `${noun} ${number_}`
      : at >= 0
        ? nameOf(shown, at)
        : imageName(probeAt(shown.ordinal), shownImage.value);
  const total = shown.layout.total ?? shown.layout.tiles;
  const photo = photoBeside(shown, one);
  return (
    <aside class="side" aria-label={name} data-testid="channel-panel">
      <div class="side-head">
        <h2 title={name}>
          {number_ !== null ? (
            <>
              <span class="noun">{noun}</span> <span data-testid="channel-number">{number_}</span>
              <span class="dim"> of {total}</span>
            </>
          ) : (
            name
          )}
        </h2>
        <CommandButton id="channelBack" class="quiet small">
          <Icon name="back" />
          <span class="sr">Previous channel</span>
        </CommandButton>
        <CommandButton id="channelForward" class="quiet small">
          <Icon name="forward" />
          <span class="sr">Next channel</span>
        </CommandButton>
      </div>
      {sheet !== undefined && (at < 0 || isEmpty(one)) && (
        <p class="reason" data-testid="not-drawn">
          {at < 0 ? notDrawn(shown, name, number_) : notThere(one)}
        </p>
      )}
      <div class={`pair ${(own === null || other === null) && photo === null ? "one" : ""}`}>
        {own !== null && (
          <figure>
            <Tile
              sheet={own}
              range={range}
              label={`${name} of ${ownerOf(shown)}`}
              testid="channel"
              attributes={{ "data-channel": number_ ?? at, "data-position": shown.ordinal }}
            />
            <figcaption>{withMoment(captionText(shown), shown.ordinal)}</figcaption>
          </figure>
        )}
        {other !== null && number_ !== null && <Companion shown={other} channel={number_} />}
        {other === null && photo !== null && (
          <figure>
            <Photograph index={photo} />
            <figcaption>{imageName(probeAt(shown.ordinal), photo)}</figcaption>
          </figure>
        )}
      </div>
      <Numbers at={at} own={own} shown={shown} measured={measuredBy(shown, one, number_)} />
      <Film film={film} range={range} />
      <LayerFacts />
    </aside>
  );
}

/** Explain why no tile of the sheet shows the selection. */
function notDrawn(shown: Shown, name: string, channel: number | null): string {
  const { total = Number.POSITIVE_INFINITY } = shown.layout;
  if (channel === null) return `${name} is not in this picture.`;
  const noun = nounOf(shown.kind, shown.layout);
  if (channel >= total) {
    return `There is no ${name}: ${ownerOf(shown)} has ${plural(total, noun)}.`;
  }
  const drawn = channels.value ?? [];
  if (shown.kind === "maximization") return notMaximized(channel, drawn);
  return `${capitalized(name)} is not drawn: only ${numberRanges(drawn)} are.`;
}

/** Explain an empty tile: a grid has rows for more channels than some of its layers have. */
function notThere(one: TileContent | null): string {
  if (one?.is !== "channel") return "";
  const count = plural(channelCount(one.layer) ?? 0, "channel");
  return `There is no channel ${one.channel}: ${one.layer} has ${count}.`;
}

const notMaximized = (channel: number, drawn: readonly number[]) =>
  `No maximization for channel ${channel}: only ${numberRanges(drawn)} are computed. ` +
  `Use tbviz.FilterMaximization(log_dir, filters=[${channel}]).`;

/** Return the channel whose numbers to list; null for weights and other tiles. */
function measuredBy(
  shown: Shown,
  one: TileContent | null,
  channel: number | null,
): Measured | null {
  const family = splitKind(shown.kind)[0];
  if (channel !== null) return family === "kernels" ? null : { layer: shown.layer, channel };
  return one?.is === "channel" ? one : null;
}

/** Return the probe image to show beside a tile: the one that it was made from. */
function photoBeside(shown: Shown, one: TileContent | null): number | null {
  if (shown.layout.images > 0) return shown.kind === "activations" ? null : imageOf(shown);
  return one?.is === "image" ? one.image : null;
}

function captionText(shown: Shown): string {
  if (shown.kind === "maximization") return "strongest stimulus";
  if (shown.kind !== "activations") return "";
  return `response to ${imageName(probeAt(shown.ordinal), imageOf(shown))}`;
}

/** Cut out one tile as a sheet of its own. */
function cutTile(shown: Shown, at: number): Sheet | null {
  const [sheet] = shown.sheets;
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
  const contents = tileContents(shown.kind, shown.layout, null);
  const at = tileOfChannel(contents, channel);
  const own = useMemo(() => cutTile(shown, at), [shown, at]);
  if (shown.sheets.length === 0) return <p class="dim small">{notShown(shown)}</p>;
  if (own === null) {
    // Unnumbered tiles may show any channels.
    const drawn = channelsOf(contents, shown.layer);
    if (drawn === null) return null;
    const maximized = shown.kind === "maximization";
    return (
      <p class="dim small">
        {maximized ? notMaximized(channel, drawn) : `Channel ${channel} is not drawn.`}
      </p>
    );
  }
  const range = shown.sheets[0]?.ranges ? sheetRange(shown.sheets[0]) : null;
  return (
    <figure>
      <Tile
        sheet={own}
        range={range}
        label={`${captionText(shown)}: channel ${channel} of ${shown.layer}`}
        testid="companion"
      />
      <figcaption>{withMoment(captionText(shown), shown.ordinal)}</figcaption>
    </figure>
  );
}
