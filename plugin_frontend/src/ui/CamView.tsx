import { useMemo } from "preact/hooks";
import { type Cam, type OverlayStyle, SHOWN } from "../draw/cam";
import { describe, remarkable, roleText, short, targetName } from "../draw/camCaptions";
import { cards } from "../draw/cards";
import { gradient } from "../draw/color";
import { FLOOR } from "../draw/overlay";
import { toRgba } from "../draw/paint";
import { familyOf } from "../model/families";
import { number, percent } from "../model/format";
import { topClass } from "../model/predictions";
import { camMaximum, camsOf, overlayStyleOf } from "../state/cams";
import { mapName, strength } from "../state/colorScale";
import { image } from "../state/image";
import { kindName } from "../state/kindNames";
import { WHOLE } from "../state/logged";
import { fullWhen, stepName, whenText } from "../state/naming";
import { photographs, photoOf } from "../state/photographs";
import { main } from "../state/pictures";
import { run } from "../state/run";
import { imageName, probe, shownImage } from "../state/selection";
import { predictionAt } from "../state/verdict";
import type { Shown } from "../state/watch";
import { Canvas } from "./Canvas";
import { LayerLine } from "./LayerFacts";
import { PictureError } from "./PictureError";
import { Photograph } from "./Probes";
import { useSaver } from "./useSaver";
import { useSize } from "./useSize";

export function CamView() {
  const { shown, loading, error } = main.value;
  return (
    <section class="view" aria-busy={loading} data-testid="view">
      {error !== null && <PictureError text={error} />}
      {shown !== null && familyOf(shown.kind).view === "cams" && <Cams shown={shown} />}
    </section>
  );
}

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
            <b>{kindName(shown.kind)}</b>
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
              {roleText(cam)}
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

/** Whether the prediction was correct. */
function Outcome({ image: index, at }: { image: number; at: number }) {
  const top = topClass(predictionAt(index, at));
  const label = probe.value?.images[index]?.label ?? null;
  if (top === null || label === null) return null;
  const right = top === label;
  return <span class={right ? "right" : "wrong"}>{right ? "✓ correct" : "✗ wrong"}</span>;
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
      title: `${run.peek() ?? ""} · ${kindName(shown.kind)}${shown.layer && ` at ${shown.layer}`} · ${fullWhen(shown)}`,
      bar: null,
      kind: shown.kind,
      layer: shown.layer,
      step: stepName(shown),
    };
  });
}
