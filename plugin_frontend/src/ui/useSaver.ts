import { useEffect } from "preact/hooks";
import type { Arrangement } from "../draw/arrange";
import type { Range } from "../draw/color";
import type { Painted } from "../draw/paint";
import type { Picture } from "../draw/picture";
import { fileName, labelsOf } from "../draw/pictureLabels";
import { mapName } from "../state/colorScale";
import { note } from "../state/notes";
import { run } from "../state/run";
import { setSaver } from "../state/shell";
import type { Shown } from "../state/watch";
import { NOT_LOADED } from "./lazily";

/** Set what the save command saves while this view is mounted. */
export function useSaver(make: () => Picture | null): void {
  useEffect(() => {
    setSaver(async () => {
      const picture = make();
      if (picture === null) return;
      const code = await import("../draw/picture").catch(() => null);
      note(code === null ? NOT_LOADED : `Saved ${await code.save(picture)}.`);
    });
  });
  useEffect(() => () => setSaver(null), []);
}

export function usePictureSaver(
  shown: Shown,
  painted: Painted | null,
  arrangement: Arrangement,
  captions: readonly string[] | null,
  range: Range | null,
  caption: string,
): void {
  const { grid } = arrangement;
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
          name: fileName([shown.kind, shown.layer || "model", `position${shown.ordinal}`]),
          labels: labelsOf(shown.layout, arrangement, captions),
        },
  );
}
