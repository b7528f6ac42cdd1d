import { useMemo } from "preact/hooks";
import { number, percent } from "../format";
import { field, type Json, toNumber } from "../json";
import type { Sheet } from "../png";
import { channelTable } from "../store/channels";
import { watchFilm } from "../store/film";
import { sheetRange } from "../store/look";
import { companion, main, type Shown } from "../store/pictures";
import {
  channelsOf,
  imageName,
  kind,
  layer,
  layout,
  probeAt,
  shownChannel,
  shownImage,
} from "../store/selection";
import { tileOf } from "../tiles";
import { CommandButton } from "./CommandButton";
import { Film, Tile } from "./Film";
import { Icon } from "./icons";
import { LayerFacts } from "./LayerFacts";
import { notShown } from "./SheetView";

const FRAMES = 12;

const film = watchFilm(() => {
  const [wanted, path] = [kind.value, layer.value];
  if (wanted === null || path === null || layout.value === null || wanted === "cam") return null;
  const images = layout.value.images;
  const number_ = shownChannel.value;
  if (number_ === null) return null;
  const image = images > 0 ? shownImage.value : 0;
  return { kind: wanted, layer: path, image, channel: number_ };
}, FRAMES);

/** One channel: what it answers, what excites it most, its numbers, its history. */
export function ChannelPanel() {
  const { shown } = main.value;
  const number_ = shownChannel.value;
  if (shown === null || number_ === null) return <aside class="side" />;
  const own = cutTile(shown, number_);
  const other = companion.value.shown;
  const [sheet] = shown.sheets;
  const range = sheet === undefined ? null : sheetRange(sheet);
  return (
    <aside class="side" aria-label={`Channel ${number_}`} data-testid="channel-panel">
      <div class="side-head">
        <h2>
          Channel <span data-testid="channel-number">{number_}</span>
          <span class="dim"> of {shown.layout.total ?? shown.layout.tiles}</span>
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
      <div class={`pair ${other === null ? "one" : ""}`}>
        {own !== null && (
          <figure>
            <Tile
              sheet={own}
              range={range}
              label={`Channel ${number_} of ${shown.layer}`}
              testid="channel"
              attributes={{ "data-channel": number_, "data-position": shown.ordinal }}
            />
            <figcaption>{saying(shown)}</figcaption>
          </figure>
        )}
        {other !== null && <Companion shown={other} channel={number_} />}
      </div>
      <Numbers channel={number_} own={own} shown={shown} />
      <Film film={film.value} range={range} />
      <LayerFacts />
    </aside>
  );
}

function saying(shown: Shown): string {
  if (shown.kind === "maximization") return "what excites it most";
  if (shown.layout.images === 0) return shown.layout.title ?? shown.kind;
  return `response to ${imageName(probeAt(shown.ordinal), shown.images[0] ?? shownImage.value)}`;
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
      <figcaption>{saying(shown)}</figcaption>
    </figure>
  );
}

function score(shown: Shown, channel: number): number | null {
  const list = field(shown.sheets[0]?.text ?? undefined, "scores");
  const value: Json | undefined = Array.isArray(list)
    ? list[channelsOf(shown.layout).indexOf(channel)]
    : undefined;
  if (typeof value === "number") return value;
  return value === "NaN" || value === "Infinity" || value === "-Infinity" ? toNumber(value) : null;
}

const SHARES = new Set(["sparsity"]);
const SHORT: Record<string, string> = { minimum: "min", maximum: "max" };

function Numbers({ channel, own, shown }: { channel: number; own: Sheet | null; shown: Shown }) {
  const held = channelTable.value?.layer === shown.layer ? channelTable.value.answer : null;
  const reached = score(shown, channel);
  const [lo, hi] = [own?.ranges?.[0], own?.ranges?.[1]];
  return (
    <dl class="numbers two" data-testid="numbers">
      {lo !== undefined && hi !== undefined && (
        <>
          <dt>on this image</dt>
          <dd class="wide">
            {number(lo)} to {number(hi)}
          </dd>
        </>
      )}
      {reached !== null && (
        <>
          <dt>score reached</dt>
          <dd class="wide">{number(reached)}</dd>
        </>
      )}
      {Object.entries(held?.columns ?? {}).map(([name, values]) => {
        const value = values[channel];
        if (value === undefined) return null;
        const read = toNumber(value);
        return (
          <>
            <dt key={name} title={`${name} on all probe images`}>
              {SHORT[name] ?? name}
            </dt>
            <dd>{SHARES.has(name) ? percent(read) : number(read)}</dd>
          </>
        );
      })}
    </dl>
  );
}
