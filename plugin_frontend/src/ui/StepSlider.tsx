import { computed } from "@preact/signals";
import { polyline, thinned } from "../downsample";
import { number } from "../format";
import { label } from "../positions";
import { cursor, ghost, moveTo, pinned, position } from "../store/cursor";
import { pause } from "../store/play";
import { heads, lastOrdinal, positions, segmentCount } from "../store/run";
import { series } from "../store/selection";
import { scalars } from "../store/tables";

const [WIDTH, HEIGHT] = [1000, 20];

const lossNow = computed(() => {
  const tags = scalars.value?.tags;
  return tags?.get("val_loss") ?? tags?.get("loss");
});
/** "loss 0.31": the loss at the cursor, of the validation data where it was logged there. */
const lossText = computed(() => {
  for (const tag of ["val_loss", "loss"]) {
    const value = scalars.value?.tags.get(tag)?.[cursor.value];
    if (value !== undefined) return `${tag} ${number(value)}`;
  }
  return null;
});
const lossLine = computed(() =>
  polyline(thinned(lossNow.value ?? [], positions.value.length, WIDTH / 2), WIDTH, HEIGHT),
);

/** Where the shown series has pictures, in a line; nothing where it has one at each position. */
const marks = computed(() => {
  const [of, count] = [series.value, positions.value.length];
  if (of === null || of.count >= count) return "";
  const step = WIDTH / Math.max(count - 1, 1);
  return of.positions.map(([at, runs]) => `M${at * step} 32h${(runs - 1) * step}`).join("");
});

/** The cursor as a native slider, on an axis with the loss drawn on it. */
export function StepSlider() {
  const last = lastOrdinal.value;
  const count = positions.value.length;
  const share = (ordinal: number) => `${(100 * ordinal) / Math.max(last, 1)}%`;
  const now = position.value;
  const text = now === null ? "" : label(now, segmentCount.value);
  return (
    <div class="slider">
      <div class="track" aria-hidden="true">
        <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none">
          <title>loss over the run</title>
          <polyline points={lossLine.value} vector-effect="non-scaling-stroke" />
          <path d={marks.value} vector-effect="non-scaling-stroke" />
        </svg>
        <i class="rail" />
        <i class="done" style={{ width: share(Math.max(cursor.value, 0)) }} />
        {count <= 61 &&
          positions.value.map((_, i) => <i key={i} class="tick" style={{ left: share(i) }} />)}
        {(heads.value?.seams ?? []).map((seam) => (
          <i key={seam} class="seam" style={{ left: share(seam - 0.5) }} title="a new fit begins" />
        ))}
        {pinned.value !== null && <i class="pin" style={{ left: share(pinned.value) }} />}
        {ghost.value !== null && <i class="ghost" style={{ left: share(ghost.value) }} />}
      </div>
      <input
        type="range"
        data-testid="slider"
        aria-label="Position"
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
