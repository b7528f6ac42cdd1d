import { useMemo } from "preact/hooks";
import { gradient } from "../draw/color";
import { FLOOR } from "../draw/overlay";
import { toRgba } from "../draw/paint";
import { familyOf, kindLabel } from "../model/families";
import { number, percent } from "../model/format";
import { topClass } from "../model/predictions";
import { type Cam, camsOf, type OverlayStyle, overlayStyleOf, SHOWN } from "../state/cams";
import { camMaximum, mapName, strength } from "../state/colorScale";
import { whenText } from "../state/naming";
import { main, photographs, photoOf, type Shown } from "../state/pictures";
import { run } from "../state/run";
import { image, imageName, probe, shownImage, WHOLE } from "../state/selection";
import { Canvas } from "./Canvas";
import { LayerLine } from "./LayerFacts";
import { Photograph } from "./Probes";
import { PictureError } from "./SheetView";
import { fileName, useSaver } from "./useSaver";
import { useSize } from "./useSize";
import { predictionAt } from "./Verdict";

export function CamView() {
  const { shown, loading, error } = main.value;
  return (
    <section class="view" aria-busy={loading} data-testid="view">
      {error !== null && <PictureError text={error} />}
      {shown !== null && familyOf(shown.kind).view === "cams" && <Cams shown={shown} />}
    </section>
  );
}

/** Height of the name over and the captions under the pictures, in CSS pixels. */
const CAPTION = 58;
const GAP = { row: 10, column: 26 };

function Cams({ shown }: { shown: Shown }) {
  const [box, size] = useSize<HTMLDivElement>();
  const { layout } = shown;
  // Two pictures per card at every step, so that nothing jumps while scrubbing: the photograph is
  // the second if no other class is drawn.
  const pictures = Math.max(2, layout.roles?.length ?? layout.tiles);
  const { width, height } = size.value;
  const photo = photographs.value.sheets.find((sheet) => sheet !== null);
  const [h, w] = photo ? [photo.height, photo.width] : [1, 1];
  // A card is one row of pictures; its caption's height counts as a part of the picture.
  const { columns, side } = cards(shown.images.length, pictures, w / h, width, height);
  const map = mapName.value;
  const style = overlayStyleOf(shown, map);
  const all = useMemo(
    () => shown.images.map((index) => camsOf(shown, index, style)),
    [shown, map, strength.value, camMaximum.value, photographs.value, probe.value],
  );
  useCamSaver(shown, all);
  return (
    <>
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{kindLabel(shown.kind)}</b>
            {shown.layer !== WHOLE && (
              <>
                {" "}
                at <b>{shown.layer}</b>
              </>
            )}{" "}
            · <span data-testid="when">{whenText(shown)}</span>
          </span>
          <LayerLine />
        </div>
      </div>
      <div
        class="cams"
        ref={box}
        data-testid="cams"
        data-position={shown.ordinal}
        data-ready={shown.requested}
        data-layer={shown.layer}
        style={{
          gridTemplateColumns: `repeat(${columns}, max-content)`,
          "--slots": pictures,
          "--side": `${Math.floor(Math.min(side, Math.max(360, w)))}px`,
          "--aspect": `${w} / ${h}`,
        }}
      >
        {width > 0 &&
          shown.images.map((index, i) => (
            <CamCard
              key={index}
              index={index}
              cams={all[i] ?? []}
              slots={pictures}
              at={shown.ordinal}
            />
          ))}
      </div>
      <Legend overlay={style} />
    </>
  );
}

/** The meaning of the colors, and their scale. */
function Legend({ overlay: { map, signed, scale } }: { overlay: OverlayStyle }) {
  const own = scale === "percentile" ? `${100 * SHOWN}th percentile` : "maximum";
  const floor = `${percent(FLOOR)} of the maximum over the run (${number(camMaximum.value)})`;
  return (
    <div class="under">
      <span class="color-bar" data-testid="color-bar">
        <span>{signed ? "against the class" : "low"}</span>
        <i style={{ background: gradient(map) }} aria-hidden="true" />
        <span>{signed ? "for the class" : "high"}</span>
      </span>
      <span
        class="legend-text"
        title={`Scaled to at least ${floor}, so that a faint map stays faint.`}
      >
        each map scaled to its own {own}
      </span>
    </div>
  );
}

/** Return the width of a picture in a grid of so many columns and rows of cards. */
function sideOf(
  columns: number,
  rows: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): number {
  return Math.min(
    ((width + GAP.column) / columns - GAP.column - 4 * (pictures - 1)) / pictures,
    ((height + GAP.row) / rows - GAP.row - CAPTION) * aspect,
  );
}

/** Minimum width of pictures that fit without scrolling, and their width in a scrolling view. */
const MIN_SIDE = 64;
const SCROLLED_SIDE = 84;

/** Return the number of columns that makes the pictures largest, and their width. */
function cards(
  count: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): { columns: number; side: number } {
  let [best, largest] = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const side = sideOf(columns, rows, pictures, aspect, width, height);
    if (side > largest) [best, largest] = [columns, side];
  }
  if (largest >= MIN_SIDE) return { columns: best, side: largest };
  const card = SCROLLED_SIDE * pictures + 4 * (pictures - 1) + GAP.column;
  const columns = Math.min(Math.max(1, Math.floor((width + GAP.column) / card)), count);
  const free = sideOf(columns, 1, pictures, aspect, width, Number.POSITIVE_INFINITY);
  return { columns, side: Math.max(48, Math.min(free, SCROLLED_SIDE)) };
}

interface CardProps {
  index: number;
  cams: readonly Cam[];
  /** Pictures that there is room for. */
  slots: number;
  at: number;
}

function CamCard({ index, cams, slots, at }: CardProps) {
  const chosen = shownImage.value === index;
  const name = imageName(probe.value, index);
  return (
    <button
      type="button"
      class={`cam-card ${chosen ? "chosen" : ""}`}
      data-testid="cam-card"
      data-image={index}
      aria-pressed={chosen}
      aria-label={`Enlarge ${name}`}
      onClick={() => {
        image.value = index;
      }}
    >
      <span class="cam-name">
        <b>{name}</b> <Outcome image={index} at={at} />
      </span>
      {cams.map((cam, i) => (
        <figure key={i}>
          <Canvas
            pixels={cam.pixels}
            width={cam.width}
            height={cam.height}
            smooth
            label={describe(cam, name)}
            testid="cam"
            attributes={{ "data-image": index, "data-role": cam.role, "data-position": at }}
          />
          <figcaption data-testid="cam-caption" data-role={cam.role} title={describe(cam, null)}>
            <b>{targetName(cam)}</b>
            <span>
              {cam.role}
              {cam.text.probability !== null && `, ${percent(cam.text.probability)}`}
              {remarkable(cam)}
            </span>
          </figcaption>
        </figure>
      ))}
      {cams.length < slots && (
        <figure>
          <Photograph index={index} testid="cam-photo" />
          <figcaption>photograph</figcaption>
        </figure>
      )}
    </button>
  );
}

/** Name the target class of a map: "cat", "cat, not dog". */
function targetName({ text }: Cam): string | null {
  return text.against === null ? text.name : `${text.name}, not ${text.against}`;
}

/** Whether the prediction was correct. */
function Outcome({ image: index, at }: { image: number; at: number }) {
  const top = topClass(predictionAt(index, at));
  const label = probe.value?.images[index]?.label ?? null;
  if (top === null || label === null) return null;
  const right = top === label;
  return <span class={right ? "right" : "wrong"}>{right ? "✓ correct" : "✗ wrong"}</span>;
}

/** Return a remark under a map; the details are in its tooltip. */
function remarkable(cam: Cam): string {
  if (!Number.isFinite(cam.own)) return ": no finite value";
  if (cam.scale === 0) return ": zero map";
  if (cam.constant) return ": flat";
  return cam.scale > cam.own ? ": faint" : "";
}

/** Describe a map: "predicted astronaut, 45%: maximum 0.83". */
export function describe(cam: Cam, image: string | null): string {
  const who = cam.text.name === null ? "" : ` ${targetName(cam)}`;
  const { probability } = cam.text;
  const likely = Number.isNaN(probability) ? "NaN" : percent(probability);
  const chance = probability === null ? "" : `, ${likely}`;
  const about = `${image === null ? "" : `${image}: `}${cam.role}${who}${chance}`;
  if (!Number.isFinite(cam.own)) return `${about}: ${cam.text.note ?? "no finite value"}`;
  if (cam.scale === 0) return `${about}: the map is zero, no evidence for the class`;
  const floored = cam.scale > cam.own ? `, faint: scaled to ${number(cam.scale)}` : "";
  const what = cam.constant ? "constant at" : "maximum";
  return `${about}: ${what} ${number(cam.own)}${floored}`;
}

function useCamSaver(shown: Shown, all: readonly Cam[][]): void {
  useSaver(() => {
    const images = shown.images.flatMap((index, i) => {
      const photo = photoOf(probe.peek(), index);
      const name = imageName(probe.peek(), index);
      const raw =
        photo?.channels === 3
          ? [{ pixels: toRgba(photo.pixels), width: photo.width, height: photo.height, text: name }]
          : [];
      return [...raw, ...(all[i] ?? []).map((cam) => ({ ...cam, text: short(cam) }))];
    });
    const first = images[0];
    if (first === undefined) return null;
    return {
      images,
      scale: Math.max(1, Math.round(220 / first.width)),
      columns: Math.min(6, images.length),
      pixelated: false,
      title: `${run.peek() ?? ""} · ${kindLabel(shown.kind)}${shown.layer && ` at ${shown.layer}`} · ${whenText(shown)}`,
      bar: null,
      name: fileName([shown.kind, shown.layer || "model", `position${shown.ordinal}`]),
    };
  });
}

function short(cam: Cam): string {
  return `${cam.role}: ${targetName(cam) ?? ""}`;
}
