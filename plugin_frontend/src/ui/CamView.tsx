import { useMemo } from "preact/hooks";
import { gradient } from "../color";
import { familyOf, kindLabel } from "../families";
import { number, percent } from "../format";
import { FLOOR } from "../overlay";
import { toRgba } from "../paint";
import { strongest } from "../predictions";
import { camMaximum, mapName, strength } from "../store/colorScale";
import { main, photographs, photoOf, type Shown } from "../store/pictures";
import { run } from "../store/run";
import { image, imageName, probe, shownImage, WHOLE } from "../store/selection";
import { Canvas } from "./Canvas";
import { type Cam, camsOf, type Laying, layingOf, SHOWN } from "./cams";
import { LayerLine } from "./LayerFacts";
import { whenText } from "./naming";
import { Photograph } from "./Probes";
import { PictureError } from "./SheetView";
import { fileName, useSaver } from "./saver";
import { useSize } from "./useSize";
import { guesses } from "./Verdict";

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
  // Two places a card at every step, so that nothing jumps while one scrubs: the photograph has
  // the second where no other class is drawn.
  const pictures = Math.max(2, layout.roles?.length ?? layout.tiles);
  const { width, height } = size.value;
  const photo = photographs.value.sheets.find((sheet) => sheet !== null);
  const [h, w] = photo ? [photo.height, photo.width] : [1, 1];
  // Cards of one row of pictures each; the caption's height is taken off as if it were picture.
  const { columns, side } = cards(shown.images.length, pictures, w / h, width, height);
  const map = mapName.value;
  const laying = layingOf(shown, map);
  const all = useMemo(
    () => shown.images.map((index) => camsOf(shown, index, laying)),
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
        data-ready={shown.asked}
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
      <Legend laying={laying} />
    </>
  );
}

/** What the colors mean, and what they are scaled by. */
function Legend({ laying: { map, signed, scale } }: { laying: Laying }) {
  const by =
    scale === "percentile" ? `what ${percent(SHOWN)} of its pixels stay within` : "its maximum";
  const least = `${percent(FLOOR)} of the most that the run reaches, ${number(camMaximum.value)}`;
  return (
    <div class="under">
      <span class="color-bar" data-testid="color-bar">
        <span>{signed ? "against the class" : "nothing"}</span>
        <i style={{ background: gradient(map) }} aria-hidden="true" />
        <span>{signed ? "for the class" : "most"}</span>
      </span>
      <span
        class="legend-text"
        title={`Each map is scaled by ${by}, at least by ${least}: a faint map looks faint.`}
      >
        Each map by its own scale
      </span>
    </div>
  );
}

/** Width of a picture where so many columns and rows of cards share the room. */
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

/** Least width of pictures that fit without scrolling, and their width where they do not. */
const LEAST = 64;
const SCROLLED = 84;

/** Columns of cards that leave the pictures largest, and how wide these are. */
function cards(
  count: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): { columns: number; side: number } {
  let [best, most] = [1, 0];
  for (let columns = 1; columns <= count; columns++) {
    const rows = Math.ceil(count / columns);
    const side = sideOf(columns, rows, pictures, aspect, width, height);
    if (side > most) [best, most] = [columns, side];
  }
  if (most >= LEAST) return { columns: best, side: most };
  const card = SCROLLED * pictures + 4 * (pictures - 1) + GAP.column;
  const columns = Math.min(Math.max(1, Math.floor((width + GAP.column) / card)), count);
  const free = sideOf(columns, 1, pictures, aspect, width, Number.POSITIVE_INFINITY);
  return { columns, side: Math.max(48, Math.min(free, SCROLLED)) };
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
      aria-label={`Look closer at ${name}`}
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
            <b>{subject(cam)}</b>
            <span>
              {cam.text.probability !== null && `${percent(cam.text.probability)} `}
              {cam.role}
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

/** "cat", "cat, not dog": the class that a map is of. */
function subject({ text }: Cam): string | null {
  return text.against === null ? text.name : `${text.name}, not ${text.against}`;
}

/** Whether the net was right, in a word. */
function Outcome({ image: index, at }: { image: number; at: number }) {
  const top = strongest(guesses(index, at));
  const label = probe.value?.images[index]?.label ?? null;
  if (top === null || label === null) return null;
  const right = top === label;
  return <span class={right ? "right" : "wrong"}>{right ? "✓ recognized" : "✗ mistaken"}</span>;
}

/** What is worth a word under a map; the rest is in its tooltip. */
function remarkable(cam: Cam): string {
  if (!Number.isFinite(cam.own)) return ": no finite value";
  if (cam.scale === 0) return ": zero map";
  if (cam.constant) return ": flat";
  return cam.scale > cam.own ? ": faint" : "";
}

/** "predicted astronaut 45 %: maximum 0.83"; a map of zeros is said. */
export function describe(cam: Cam, of: string | null): string {
  const who = cam.text.name === null ? "" : ` ${subject(cam)}`;
  const { probability } = cam.text;
  const likely = Number.isNaN(probability) ? "NaN" : percent(probability);
  const chance = probability === null ? "" : ` ${likely}`;
  const about = `${of === null ? "" : `${of}: `}${cam.role}${who}${chance}`;
  if (!Number.isFinite(cam.own)) return `${about}: ${cam.text.note ?? "no finite value"}`;
  if (cam.scale === 0) return `${about}: the map is zero, nothing speaks for it`;
  const floored = cam.scale > cam.own ? `, faint: drawn by ${number(cam.scale)}` : "";
  const what = cam.constant ? "the same everywhere," : "maximum";
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
  return `${cam.role}: ${subject(cam) ?? ""}`;
}
