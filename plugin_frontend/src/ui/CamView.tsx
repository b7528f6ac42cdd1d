import { useMemo } from "preact/hooks";
import type { MapName } from "../colour";
import { number, percent } from "../format";
import { toRgba } from "../paint";
import { cursor } from "../store/cursor";
import { camMaximum, mapName, strength } from "../store/look";
import { main, photographs, type Shown } from "../store/pictures";
import { run } from "../store/run";
import { image, imageName, probe, shownImage } from "../store/selection";
import { FLOOR } from "../overlay";
import { Canvas } from "./Canvas";
import { type Cam, camsOf } from "./cams";
import { LayerLine } from "./LayerFacts";
import { Photograph } from "./Probes";
import { fileName, useSaver } from "./saver";
import { PictureError, whenText } from "./SheetView";
import { useSize } from "./useSize";
import { Verdict } from "./Verdict";

/** CAMs are heat: the map of the page, but gray would hide in the photograph. */
export const camMap = (): MapName => (mapName.value === "viridis" ? "turbo" : mapName.value);

export function CamView() {
  const { shown, loading, error } = main.value;
  return (
    <section class="view" aria-busy={loading} data-testid="view">
      {error !== null && <PictureError text={error} />}
      {shown !== null && shown.kind === "cam" && <Cams shown={shown} />}
    </section>
  );
}

const CAPTION = 46;

function Cams({ shown }: { shown: Shown }) {
  const [box, size] = useSize<HTMLDivElement>();
  const { layout } = shown;
  const pictures = 1 + layout.tiles;
  const { width, height } = size.value;
  const photo = photographs.value.sheets.find((sheet) => sheet !== null);
  const [h, w] = photo ? [photo.height, photo.width] : [1, 1];
  // Cards of one row of pictures each; the caption's height is taken off as if it were picture.
  const columns = fit(shown.images.length, pictures, w / h, width, height);
  const rows = Math.ceil(shown.images.length / columns);
  const side = Math.min(
    (width / columns - 16) / pictures - 4,
    ((height / rows - CAPTION - 12) * w) / h,
    Math.max(360, w),
  );
  const map = camMap();
  const all = useMemo(
    () => shown.images.map((_, i) => camsOf(shown, i, map)),
    [shown, map, strength.value, camMaximum.value, photographs.value],
  );
  useCamSaver(shown, all);
  return (
    <>
      <div class="caption">
        <div class="caption-text" data-testid="caption">
          <span>
            <b>{layout.title ?? "Grad-CAM"}</b> at <b>{shown.layer}</b> ·{" "}
            <span data-testid="when">{whenText(shown)}</span>
          </span>
          <LayerLine />
        </div>
        <span class="space" />
        <label class="control">
          Strength
          <input
            type="range"
            min="0"
            max="1"
            step="0.05"
            data-testid="strength"
            aria-valuetext={percent(strength.value)}
            value={strength.value}
            onInput={(event) => {
              strength.value = Number(event.currentTarget.value);
            }}
          />
        </label>
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
          "--side": `${Math.max(48, Math.floor(side))}px`,
          "--aspect": `${w} / ${h}`,
        }}
      >
        {width > 0 &&
          shown.images.map((index, i) => (
            <CamCard key={index} index={index} cams={all[i] ?? []} at={shown.ordinal} />
          ))}
      </div>
      <p class="remarks">
        Each map is scaled by its own maximum, but by no less than {percent(FLOOR)} of the largest
        of the run ({number(camMaximum.value)}), so that a faint map looks faint.
      </p>
    </>
  );
}

/** Columns of cards that leave the pictures largest. */
function fit(
  cards: number,
  pictures: number,
  aspect: number,
  width: number,
  height: number,
): number {
  let [best, most] = [1, 0];
  for (let columns = 1; columns <= cards; columns++) {
    const rows = Math.ceil(cards / columns);
    const side = Math.min(
      (width / columns - 16) / pictures - 4,
      (height / rows - CAPTION - 12) * aspect,
    );
    if (side > most) [best, most] = [columns, side];
  }
  return best;
}

function CamCard({ index, cams, at }: { index: number; cams: readonly Cam[]; at: number }) {
  const chosen = shownImage.value === index;
  return (
    <article class={`cam-card ${chosen ? "chosen" : ""}`} data-testid="cam-card" data-image={index}>
      <button
        type="button"
        class="cam-row"
        aria-pressed={chosen}
        aria-label={`Look closer at ${imageName(probe.value, index)}`}
        onClick={() => {
          image.value = index;
        }}
      >
        <Photograph index={index} testid="cam-photo" />
        {cams.map((cam, i) => (
          <Canvas
            key={i}
            pixels={cam.pixels}
            width={cam.width}
            height={cam.height}
            smooth
            label={describe(cam, imageName(probe.value, index))}
            testid="cam"
            attributes={{ "data-image": index, "data-role": cam.role, "data-position": at }}
          />
        ))}
      </button>
      <div class="cam-caption">
        <Verdict image={index} />
        {cams.map((cam, i) => (
          <span key={i} class="cam-line" data-testid="cam-caption" data-role={cam.role}>
            {describe(cam, null)}
          </span>
        ))}
      </div>
    </article>
  );
}

/** "for the predicted class astronaut 45 %: maximum 0.83"; a map of zeros is said. */
export function describe(cam: Cam, of: string | null): string {
  const who = cam.text.name === null ? "" : ` ${cam.text.name}`;
  const chance = cam.text.probability === null ? "" : ` ${percent(cam.text.probability)}`;
  const about = `${of === null ? "" : `${of}: `}${cam.role}${who}${chance}`;
  if (!Number.isFinite(cam.own)) return `${about}: no finite value`;
  if (cam.scale === 0) return `${about}: the map is zero, nothing speaks for it`;
  const floored = cam.scale > cam.own ? `, drawn by ${number(cam.scale)}` : "";
  return `${about}: maximum ${number(cam.own)}${floored}`;
}

function useCamSaver(shown: Shown, all: readonly Cam[][]): void {
  useSaver(() => {
    const images = shown.images.flatMap((index, i) => {
      const photo = photographs.peek().sheets[index];
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
      columns: Math.max(1, images.length / shown.images.length),
      pixelated: false,
      title: `${run.peek() ?? ""} · Grad-CAM at ${shown.layer} · ${whenText(shown)}`,
      bar: null,
      name: fileName(["cam", shown.layer, `position${cursor.peek()}`]),
    };
  });
}

function short(cam: Cam): string {
  return `${cam.role}: ${cam.text.name ?? ""}`;
}


