import { useMemo } from "preact/hooks";
import { familyOf, kindLabel } from "../families";
import { number } from "../format";
import { toRgba } from "../paint";
import { camMaximum, mapName, strength } from "../store/colorScale";
import { watchFilm } from "../store/film";
import { main, photographs, photoOf } from "../store/pictures";
import { imageName, kind, path, probe, shownImage } from "../store/selection";
import { subjectsOf } from "../subjects";
import { describe } from "./CamView";
import { Canvas } from "./Canvas";
import { camsOf, drawnTiles, lay, layingOf } from "./cams";
import { Film } from "./Film";
import { LayerFacts } from "./LayerFacts";
import { notShown } from "./naming";
import { Classes, Verdict } from "./Verdict";

const FRAMES = 12;

const film = watchFilm(() => {
  const [wanted, of] = [kind.value, path.value];
  if (wanted === null || of === null || familyOf(wanted).view !== "cams") return null;
  const { shown } = main.value;
  const index = shownImage.value;
  const sheet = shown?.sheets[shown.images.indexOf(index)];
  if (shown === null || sheet === undefined) return null;
  // The map that is enlarged, by what it is: another fit may have others before it.
  const first = drawnTiles(sheet, shown.layout.tiles)[0]?.tile ?? 0;
  const subject = subjectsOf(shown.kind, shown.layout, null)[first];
  return { kind: wanted, layer: of, image: index, channel: null, ...(subject && { subject }) };
}, FRAMES);

/** One photograph: where the net looks, what it says, and how that came about. */
export function CamPanel() {
  const { shown } = main.value;
  const index = shownImage.value;
  const map = mapName.value;
  const of = shown !== null && familyOf(shown.kind).view === "cams" ? shown : null;
  const cams = useMemo(
    () => (of === null ? [] : camsOf(of, index, layingOf(of, map))),
    [of, index, map, strength.value, camMaximum.value, photographs.value, probe.value],
  );
  const photo = photoOf(probe.value, index);
  const draw = useMemo(
    () => (frame: { sheet: Parameters<typeof lay>[1] }) => {
      const { sheet } = frame;
      const size = [sheet.height, sheet.width] as const;
      if (of === null) return { pixels: toRgba(new Uint8Array(3)), width: 1, height: 1 };
      return pixelsOnly(lay(photo, sheet, 0, size, 1, layingOf(of, map)));
    },
    [photo, of?.kind, of?.layout, map, strength.value, camMaximum.value],
  );
  const [first] = cams;
  if (of === null || first === undefined) {
    if (of === null || of.images.includes(index)) {
      return <aside class="side" />;
    }
    return (
      <aside class="side" aria-label={kindLabel(of.kind)} data-testid="cam-panel">
        <p class="reason">{notShown(of)} Choose another image.</p>
      </aside>
    );
  }
  const name = imageName(probe.value, index);
  return (
    <aside class="side" aria-label={name} data-testid="cam-panel">
      <div class="side-head">
        <h2>{name}</h2>
      </div>
      <div class="pair one">
        <figure>
          <Canvas
            pixels={first.pixels}
            width={first.width}
            height={first.height}
            smooth
            label={describe(first, name)}
          />
          <figcaption>{describe(first, null)}</figcaption>
        </figure>
      </div>
      <p>
        <Verdict image={index} at={of.ordinal} />
      </p>
      <Classes image={index} at={of.ordinal} />
      {first.text.target !== null && (
        <dl class="numbers">
          <dt>differentiated</dt>
          <dd>{first.text.target}</dd>
          {first.text.score !== null && (
            <>
              <dt>score</dt>
              <dd>{number(first.text.score)}</dd>
            </>
          )}
        </dl>
      )}
      {first.text.note !== null && <p class="reason">{first.text.note}</p>}
      <Film film={film.value} range={null} draw={draw} />
      <LayerFacts />
    </aside>
  );
}

function pixelsOnly({ pixels, width, height }: ReturnType<typeof lay>) {
  return { pixels, width, height };
}
