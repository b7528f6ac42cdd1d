import { useEffect } from "preact/hooks";
import type { Range } from "../colour";
import type { Painted } from "../paint";
import { type Picture, save } from "../picture";
import { mapName } from "../store/look";
import { note } from "../store/notes";
import type { Shown } from "../store/pictures";
import { run } from "../store/run";
import { setSaver } from "../store/shell";
import type { Grid } from "../tiles";

/** Say what the save command saves while this view is mounted. */
export function useSaver(make: () => Picture | null): void {
  useEffect(() => {
    setSaver(async () => {
      const picture = make();
      if (picture === null) return;
      note(`Saved ${await save(picture)}.`);
    });
  });
  useEffect(() => () => setSaver(null), []);
}

export function usePictureSaver(
  shown: Shown,
  painted: Painted | null,
  grid: Grid,
  range: Range | null,
  caption: string,
): void {
  useSaver(() =>
    painted === null
      ? null
      : {
          images: [{ pixels: painted.pixels, width: grid.width, height: grid.height, text: "" }],
          scale: Math.max(1, Math.ceil(1000 / grid.width)),
          columns: 1,
          pixelated: true,
          title: `${run.peek() ?? ""} · ${caption}`,
          bar: shown.sheets[0]?.channels === 1 ? { range, map: mapName.peek() } : null,
          name: fileName([shown.kind, shown.layer, `position${shown.ordinal}`]),
        },
  );
}

export function fileName(parts: readonly string[]): string {
  return `${parts.join("-").replace(/[^\w.-]+/g, "_")}.png`;
}
