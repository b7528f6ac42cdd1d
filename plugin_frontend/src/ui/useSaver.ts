import { useEffect } from "preact/hooks";
import type { Picture } from "../draw/picture";
import { note } from "../state/notes";
import { setSaver } from "../state/shell";
import { NOT_LOADED } from "./lazily";

/** Set what the save command saves while this view is mounted; its code may be loaded for it. */
export function useSaver(make: () => Picture | null | Promise<Picture | null>): void {
  useEffect(() => {
    setSaver(async () => {
      const loaded = await Promise.all([make(), import("../draw/picture")]).catch(() => null);
      if (loaded === null) return note(NOT_LOADED);
      const [picture, code] = loaded;
      if (picture !== null) note(`Saved ${await code.save(picture)}.`);
    });
  });
  useEffect(() => () => setSaver(null), []);
}
