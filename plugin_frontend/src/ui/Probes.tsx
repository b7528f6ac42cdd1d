import { useMemo } from "preact/hooks";
import { toRgba } from "../draw/paint";
import type { Sheet } from "../draw/png";
import { image } from "../state/image";
import { photoOf } from "../state/photographs";
import { imageName, probe, shownImage } from "../state/selection";
import { Canvas } from "./Canvas";

/** A photograph of the probe; empty while it is loading. */
export function Photograph({ index, testid }: { index: number; testid?: string }) {
  const sheet = photoOf(probe.value, index);
  if (sheet === null) return <span class="photo-missing" />;
  return (
    <Pixels sheet={sheet} label={imageName(probe.value, index)} {...(testid ? { testid } : {})} />
  );
}

function Pixels({ sheet, label, testid }: { sheet: Sheet; label: string; testid?: string }) {
  const pixels = useMemo(() => toRgba(sheet.pixels), [sheet]);
  return (
    <Canvas
      pixels={pixels}
      width={sheet.width}
      height={sheet.height}
      label={label}
      smooth
      {...(testid ? { testid } : {})}
    />
  );
}

/** Probe images as thumbnails, to select the one whose maps are shown. */
export function Probes({ images: offered }: { images: readonly number[] }) {
  const count = probe.value?.images.length ?? 0;
  const images = offered.filter((index) => index < count);
  return (
    // biome-ignore lint/a11y/useSemanticElements: pictures to press, not fields of a form.
    <div class={`probes ${images.length > 6 ? "many" : ""}`} role="group" aria-label="Probe image">
      {images.map((i) => (
        <button
          type="button"
          key={i}
          class="probe"
          data-testid="probe"
          data-image={i}
          aria-pressed={i === shownImage.value}
          aria-label={imageName(probe.value, i)}
          title={imageName(probe.value, i)}
          onClick={() => {
            image.value = i;
          }}
        >
          <Photograph index={i} />
        </button>
      ))}
    </div>
  );
}
