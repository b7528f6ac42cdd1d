import { useMemo } from "preact/hooks";
import { drawnTiles, drawOverlay } from "../draw/cam";
import { describe } from "../draw/camCaptions";
import { toRgba } from "../draw/paint";
import { familyOf } from "../model/families";
import { number } from "../model/format";
import type { FilmRequest } from "../model/scenes";
import { tileContents } from "../model/tileContents";
import { camMaximum, camsOf, overlayStyleOf } from "../state/cams";
import { mapName, strength } from "../state/colorScale";
import { kindName } from "../state/kindNames";
import { notShown } from "../state/naming";
import { photographs, photoOf } from "../state/photographs";
import { main } from "../state/pictures";
import { imageName, kind, path, probe, shownImage } from "../state/selection";
import { Canvas } from "./Canvas";
import { Film } from "./Film";
import { LayerFacts } from "./LayerFacts";
import { useFilm } from "./useFilm";
import { Classes, Verdict } from "./Verdict";

function filmRequest(): FilmRequest | null {
  const [shownKind, owner] = [kind.value, path.value];
  if (shownKind === null || owner === null || familyOf(shownKind).view !== "cams") return null;
  const { shown } = main.value;
  const index = shownImage.value;
  const sheet = shown?.sheets[shown.images.indexOf(index)];
  if (shown === null || sheet === undefined) return null;
  // The enlarged map, by its content: another fit may have others before it.
  const first = drawnTiles(sheet, shown.layout.tiles)[0]?.tile ?? 0;
  const content = tileContents(shown.kind, shown.layout, null)[first];
  return {
    kind: shownKind,
    layer: owner,
    image: index,
    channel: null,
    ...(content && { content }),
  };
}

/** One photograph: its map, the prediction, and both over the run. */
export function CamPanel() {
  const film = useFilm(filmRequest);
  const { shown } = main.value;
  const index = shownImage.value;
  const map = mapName.value;
  const cam = shown !== null && familyOf(shown.kind).view === "cams" ? shown : null;
  const cams = useMemo(
    () => (cam === null ? [] : camsOf(cam, index, overlayStyleOf(cam, map))),
    [cam, index, map, strength.value, camMaximum.value, photographs.value, probe.value],
  );
  const photo = photoOf(probe.value, index);
  const draw = useMemo(
    () => (frame: { sheet: Parameters<typeof drawOverlay>[1] }) => {
      const { sheet } = frame;
      const size = [sheet.height, sheet.width] as const;
      if (cam === null) return { pixels: toRgba(new Uint8Array(3)), width: 1, height: 1 };
      return pixelsOnly(drawOverlay(photo, sheet, 0, size, 1, overlayStyleOf(cam, map)));
    },
    [photo, cam?.kind, cam?.layout, map, strength.value, camMaximum.value],
  );
  const [first] = cams;
  if (cam === null || first === undefined) {
    if (cam === null || cam.images.includes(index)) {
      return <aside class="side" />;
    }
    return (
      <aside class="side" aria-label={kindName(cam.kind)} data-testid="cam-panel">
        <p class="reason">{notShown(cam)} Choose another image.</p>
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
        <Verdict image={index} at={cam.ordinal} />
      </p>
      <Classes image={index} at={cam.ordinal} />
      {first.text.target !== null && (
        <dl class="numbers">
          <dt>gradient of</dt>
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
      <Film film={film} range={null} draw={draw} />
      <LayerFacts />
    </aside>
  );
}

function pixelsOnly({ pixels, width, height }: ReturnType<typeof drawOverlay>) {
  return { pixels, width, height };
}
