import { useSignal } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { arrange } from "../draw/arrange";
import { paintGrid } from "../draw/paint";
import type { Sheet as DecodedSheet } from "../draw/png";
import { type Mark, marks } from "../draw/tiles";
import { barAt, captionsOf, countOf, isNumbered } from "../model/captions";
import { probesOf } from "../model/probes";
import { tileContents } from "../model/tileContents";
import { mapName, sheetRange, signed, tileRange } from "../state/colorScale";
import { health } from "../state/health";
import { kindName } from "../state/kindNames";
import {
  fullWhen,
  imageOf,
  isEmpty,
  notShown,
  ownerOf,
  type Point,
  stepName,
  whenText,
} from "../state/naming";
import { main } from "../state/pictures";
import { run } from "../state/run";
import { imageName, pick, probe, tile as shownTile } from "../state/selection";
import { verdict } from "../state/verdict";
import type { Shown } from "../state/watch";
import { ColorBar } from "./ColorBar";
import { LayerLine } from "./LayerFacts";
import { PictureError } from "./PictureError";
import { Probes } from "./Probes";
import { Readout, Remarks } from "./Readout";
import { SheetCanvas } from "./SheetCanvas";
import { useSaver } from "./useSaver";
import { useSize } from "./useSize";
import { Verdict } from "./Verdict";

/** All channels of a layer at the cursor. */
export function SheetView() {
  const { shown, loading, error } = main.value;
  return (
    <section class="view" aria-busy={loading} data-testid="view">
      {error !== null ? (
        <PictureError text={error} />
      ) : shown === null ? (
        <p class="hint">{loading ? "" : "Nothing has been logged here yet."}</p>
      ) : (
        <Sheet shown={shown} />
      )}
    </section>
  );
}

function Sheet({ shown }: { shown: Shown }) {
  const [box, size] = useSize<HTMLDivElement>();
  const { layout, kind } = shown;
  const [sheet] = shown.sheets;
  const readout = useSignal<Point | null>(null);
  const { width } = size.value;
  const height = Math.max(size.value.height, 1);
  const shownProbe = probe.value;
  const image = imageOf(shown);
  const captions = useMemo(
    () =>
      captionsOf(layout, kind, (index) => imageName(shownProbe, index), shownProbe?.images.length),
    [layout, kind, shownProbe],
  );
  const arrangement = useMemo(
    () => arrange(layout, { width, height }, captions !== null, devicePixelRatio),
    [layout, width, height, captions],
  );
  const { grid } = arrangement;
  const [map, range] = [mapName.value, sheet === undefined ? null : sheetRange(sheet)];
  const painted = useMemo(
    () =>
      sheet === undefined
        ? null
        : paintGrid(sheet, layout, grid, (tile) => tileRange(sheet, tile, range), map),
    [sheet, layout, grid, range?.low, range?.high, range === null, map, signed.value],
  );
  const marked = useMemo(
    () => (sheet === undefined ? [] : marksOf(sheet, shown)),
    [sheet, layout, health.value],
  );
  const numbers = useMemo(
    () => (sheet?.channels === 3 && isNumbered(layout, kind) ? numbersOf(layout) : []),
    [sheet?.channels, layout, kind],
  );
  const caption = captionOf(shown, marked);
  useSaver(async () => {
    if (painted === null) return null;
    const { sheetPicture } = await import("../draw/sheetPicture");
    const bar = sheet?.channels === 1 ? { range, map } : null;
    const title = `${run.peek()} · ${caption}`;
    return sheetPicture({
      shown,
      step: stepName(shown),
      painted,
      arrangement,
      captions,
      title,
      bar,
    });
  });
  if (sheet === undefined || painted === null) return <NotShown shown={shown} />;
  return (
    <>
      <div class="caption">
        {layout.images > 0 && <Probes images={probesOf(layout)} />}
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{ownerOf(shown)}</b>
            {layout.images > 0 && <> · {imageName(shownProbe, image)}</>} ·{" "}
            <span data-testid="when">{whenText(shown)}</span>
            {isNumbered(layout, kind) && <> · {countOf(layout, kind)}</>}
          </span>
          {layout.images > 0 && <Verdict image={image} at={shown.ordinal} />}
        </div>
        <span class="space" />
        <LayerLine />
      </div>
      <div class="sheet-box" ref={box}>
        {width > 0 && (
          <SheetCanvas
            shown={shown}
            painted={painted}
            arrangement={arrangement}
            marked={marked}
            numbers={numbers}
            captions={arrangement.caption > 0 ? captions : null}
            selected={shownTile.value}
            range={range}
            label={caption}
            onPoint={(point) => {
              readout.value = point;
            }}
            onPick={({ tile, x }) => pick(tile, barAt(layout, x))}
          />
        )}
      </div>
      <div class="under">
        {sheet.channels === 1 && <ColorBar range={range} clipped={painted.clipped} />}
        <span class="space" />
        <Readout point={readout.value} shown={shown} />
      </div>
      <Remarks marked={marked} shown={shown} />
    </>
  );
}

const numbersOf = ({ channels, tiles }: Shown["layout"]) =>
  (channels ?? Array.from({ length: tiles }, (_, tile) => tile)).map(String);

/** Find marks; tiles of channels that the layer does not have are empty, not flat. */
function marksOf(sheet: DecodedSheet, shown: Shown): Mark[] {
  const { tile, columns, tiles } = shown.layout;
  const contents = tileContents(shown.kind, shown.layout, null);
  return marks(sheet, tile, columns, tiles).map((mark, at) =>
    isEmpty(contents[at]) ? { constant: false, nonFinite: 0 } : mark,
  );
}

/** The kind has no picture of the selected image; it has pictures of the offered ones. */
function NotShown({ shown }: { shown: Shown }) {
  const { layout } = shown;
  return (
    <>
      <div class="caption">
        <Probes images={probesOf(layout)} />
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{ownerOf(shown)}</b> · <span data-testid="when">{whenText(shown)}</span>
          </span>
        </div>
      </div>
      <p class="hint" data-testid="not-shown">
        {notShown(shown)} Choose another image.
      </p>
    </>
  );
}

function captionOf(shown: Shown, marked: readonly Mark[]): string {
  const image = imageOf(shown);
  const { predicted, truth } = verdict(image, shown.ordinal);
  const flat = marked.filter((mark) => mark.constant).length;
  const nonFinite = marked.filter((mark) => mark.nonFinite > 0).length;
  const withImage = shown.layout.images > 0;
  return [
    `${kindName(shown.kind)} of ${shown.layer || "the whole model"}`,
    withImage ? imageName(probe.value, image) : "",
    fullWhen(shown),
    countOf(shown.layout, shown.kind),
    withImage && predicted ? `predicted ${predicted}` : "",
    withImage && truth !== null ? `true ${truth}` : "",
    flat > 0 ? `${flat} flat` : "",
    nonFinite > 0 ? `${nonFinite} with NaN or infinity` : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
