import { useSignal } from "@preact/signals";
import { useLayoutEffect } from "preact/hooks";
import type { FilmRequest } from "../model/scenes";
import { type FilmState, watchFilm } from "../state/film";

const FRAMES = 12;

/** The film strip of a request while the component is mounted; the request reads signals. */
export function useFilm(request: () => FilmRequest | null): FilmState | null {
  const film = useSignal<FilmState | null>(null);
  useLayoutEffect(() => watchFilm(film, request, FRAMES), [film, request]);
  return film.value;
}
