import { useMemo } from "preact/hooks";
import { nounOf } from "../captions";
import { familyOf, splitKind } from "../families";
import { plural } from "../format";
import type { Sheet } from "../png";
import { sheetRange } from "../store/colorScale";
import { watchFilm } from "../store/film";
import { companion, main, type Shown } from "../store/pictures";
import {
  channels,
  imageName,
  kind,
  layout,
  path,
  probeAt,
  shownChannel,
  shownImage,
  subject,
  tile,
} from "../store/selection";
import { channelsOf, type Subject, subjectsOf, tileOfChannel } from "../subjects";
import { tileOf } from "../tiles";
import { CommandButton } from "./CommandButton";
import { Film, Tile } from "./Film";
import { Icon } from "./icons";
import { LayerFacts } from "./LayerFacts";
import { type Measured, Numbers, said } from "./Numbers";
import { channelCount, imageOf, isEmpty, nameOf, notShown, ownerOf } from "./naming";
import { Photograph } from "./Probes";

const FRAMES = 12;

const film = watchFilm(() => {
  const [wanted, of, one] = [kind.value, path.value, subject.value];
  if (wanted === null || of === null || layout.value === null || one === null) return null;
  if (familyOf(wanted).view !== "sheet") return null;
  const image = layout.value.images > 0 ? shownImage.value : 0;
  const channel = shownChannel.value;
  return { kind: wanted, layer: of, image, channel, ...(channel === null && { subject: one }) };
}, FRAMES);

/** One tile: what it shows, what excites it most, its numbers, its history. */
export function ChannelPanel() {
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
  const one = subject.value;
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
          <span class="sr">Channel back</span>
        </CommandButton>
        <CommandButton id="channelForward" class="quiet small">
          <Icon name="forward" />
          <span class="sr">Channel on</span>
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
            <figcaption>{said(saying(shown), shown.ordinal)}</figcaption>
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
      <Film film={film.value} range={range} />
      <LayerFacts />
    </aside>
  );
}

/** Why nothing of the sheet is what was chosen. */
function notDrawn(shown: Shown, name: string, channel: number | null): string {
  const { total = Number.POSITIVE_INFINITY } = shown.layout;
  if (channel === null) return `${name} is not in this picture.`;
  const noun = nounOf(shown.kind, shown.layout);
  if (channel >= total) {
    return `There is no ${name}: ${ownerOf(shown)} has ${plural(total, noun)}.`;
  }
  const what = shown.kind === "maximization" ? "maximized" : "drawn";
  const drawn = channels.value ?? [];
  const some = drawn.slice(0, 8).join(", ") + (drawn.length > 8 ? " …" : "");
  return `${capital(name)} ${what === "drawn" ? "is" : "was"} not ${what}. ${capital(what)}: ${some}.`;
}

/** A grid has places for more channels than some of its layers have. */
function notThere(one: Subject | null): string {
  if (one?.is !== "channel") return "";
  const count = plural(channelCount(one.layer) ?? 0, "channel");
  return `There is no channel ${one.channel}: ${one.layer} has ${count}.`;
}

const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

/** Whose numbers stand below: a channel's alone, and not of its weights. */
function measuredBy(shown: Shown, one: Subject | null, channel: number | null): Measured | null {
  const of = splitKind(shown.kind)[0];
  if (channel !== null) return of === "kernels" ? null : { layer: shown.layer, channel };
  return one?.is === "channel" ? one : null;
}

/** The probe image to lay beside a tile: the one that it was made of. */
function photoBeside(shown: Shown, one: Subject | null): number | null {
  if (shown.layout.images > 0) return shown.kind === "activations" ? null : imageOf(shown);
  return one?.is === "image" ? one.image : null;
}

function saying(shown: Shown): string {
  if (shown.kind === "maximization") return "what excites it most";
  if (shown.kind !== "activations") return "";
  return `response to ${imageName(probeAt(shown.ordinal), imageOf(shown))}`;
}

/** One tile as a sheet of its own. */
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
  const subjects = subjectsOf(shown.kind, shown.layout, null);
  const at = tileOfChannel(subjects, channel);
  const own = useMemo(() => cutTile(shown, at), [shown, at]);
  if (shown.sheets.length === 0) return <p class="dim small">{notShown(shown)}</p>;
  if (own === null) {
    // Of tiles that do not say which channels they are, nothing is known.
    if (channelsOf(subjects, shown.layer) === null) return null;
    const what = shown.kind === "maximization" ? "maximized" : "drawn";
    return (
      <p class="dim small">
        Channel {channel} was not {what}.
      </p>
    );
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
