import { computed } from "@preact/signals";
import { downsampled, polyline } from "../model/downsample";
import { number } from "../model/format";

import { cursor, ghost, moveTo, pinned } from "../state/cursor";
import { cursorText } from "../state/naming";
import { pause } from "../state/play";
import { lastOrdinal, positions, runIndex } from "../state/run";
import { series } from "../state/selection";
import { scalars } from "../state/tables";

const [WIDTH, HEIGHT] = [1000, 20];

const lossNow = computed(() => {
  const tags = scalars.value?.tags;
  return tags?.get("val_loss") ?? tags?.get("loss");
});
/** The loss at the cursor, if possible that of the validation data: "val_loss 0.31". */
const lossText = computed(() => {
  for (const tag of ["val_loss", "loss"]) {
    const value = scalars.value?.tags.get(tag)?.[cursor.value];
    if (value !== undefined) return `${tag} ${number(value)}`;
  }
  return null;
});
const lossLine = computed(() =>
  polyline(downsampled(lossNow.value ?? [], positions.value.length, WIDTH / 2), WIDTH, HEIGHT),
);

/** The positions with a picture of the shown series, as a path; empty if all have one. */
const marks = computed(() => {
  const [shown, count] = [series.value, positions.value.length];
  if (shown === null || shown.count >= count) return "";
  const step = WIDTH / Math.max(count - 1, 1);
  return shown.positions.map(([at, runs]) => `M${at * step} 32h${(runs - 1) * step}`).join("");
});

/** The cursor as a native slider, on an axis with the loss drawn on it. */
export function StepSlider() {
  const last = lastOrdinal.value;
  const count = positions.value.length;
  const share = (ordinal: number) => `${(100 * ordinal) / Math.max(last, 1)}%`;
  const text = cursorText.value;
  return (
    <div class="slider">
      <div class="track" aria-hidden="true">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
          <title>Loss over the run</title>
          <polyline points={lossLine.value} vector-effect="non-scaling-stroke" />
          <path d={marks.value} vector-effect="non-scaling-stroke" />
        </svg>
        <i class="rail" />
        <i class="done" style={{ width: share(Math.max(cursor.value, 0)) }} />
        {count <= 61 &&
          positions.value.map((_, i) => <i key={i} class="tick" style={{ left: share(i) }} />)}
        {(runIndex.value?.seams ?? []).map((seam) => (
          <i key={seam} class="seam" style={{ left: share(seam - 0.5) }} title="new fit" />
        ))}
        {pinned.value !== null && <i class="pin" style={{ left: share(pinned.value) }} />}
        {ghost.value !== null && <i class="ghost" style={{ left: share(ghost.value) }} />}
      </div>
      <input
        type="range"
        data-testid="slider"
        aria-label="Step"
        aria-valuetext={lossText.value === null ? text : `${text}, ${lossText.value}`}
        min={0}
        max={Math.max(last, 0)}
        step={1}
        disabled={last < 0}
        value={Math.max(cursor.value, 0)}
        onInput={(event) => {
          pause();
          moveTo(Number(event.currentTarget.value));
        }}
      />
    </div>
  );
}
