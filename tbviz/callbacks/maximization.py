"""What the callbacks that maximize share: the ascent's settings, its canvas, and its pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Unpack

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import TILES_PER_ROW, ColorPicture
from tbviz.callbacks.run.run_log import RunLog
from tbviz.errors import TbvizError
from tbviz.methods.maximization.canvas import Canvas, canvas_of
from tbviz.methods.maximization.result import Maximized, Result, require_signal
from tbviz.methods.maximization.settings import Ascent


class Maximization(Visual):
    """Draw images that are found by gradient ascent, the same way at every snapshot."""

    wants_recording = False

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        ascent: Ascent,
        seed: int,
        warm_start: bool,
        layers: Any = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, layers=layers, **options)
        self.ascent = ascent
        self.seed = seed
        self.warm_start = warm_start
        self._previous: dict[str, tuple[list[int], Floats]] = {}

    def reset(self) -> None:
        """Forget earlier images: a new `fit` or a changed model starts from a blank again."""
        self._previous.clear()

    def canvas(self, view: ModelView, run_log: RunLog, *, explicit: bool) -> Canvas | None:
        """Return the canvas; report and return `None` if the model takes no image.

        Args:
            view: of the model.
            run_log: takes the notice.
            explicit: whether the user named what to maximize, so that a failure is an error.

        Raises:
            TbvizError: the model takes no image, and `explicit`.
        """
        try:
            return canvas_of(view.model, None if view.probe is None else view.probe.inputs)
        except TbvizError as error:
            if explicit:
                raise
            text = f"left out: {error}"
            run_log.notice(self.method, text, level="info", event="left_out")
            return None

    def maximize(
        self,
        key: str,
        requested: Sequence[int],
        ascent: Callable[[Sequence[int], Floats | None], Result],
    ) -> Result:
        """Maximize channels or classes, from the last images if `warm_start`.

        Args:
            key: of the layer; a warm start continues from the images of the same key.
            requested: the channels or classes.
            ascent: takes them, and the images that a warm start continues from.

        Raises:
            TbvizError: No image could be made for any of them.
        """
        channels, previous = self._previous.get(key, ([], None))
        known = self.warm_start and channels == list(requested)
        found = require_signal(ascent(requested, previous if known else None))
        if self.warm_start:
            self._previous[key] = list(requested), found.coefficients
        return found

    def picture(
        self,
        kind: str,
        layer: str,
        found: Maximized,
        names: Sequence[str],
        layout: Mapping[str, Any],
        text: Mapping[str, Any] | None = None,
    ) -> ColorPicture:
        """Return a picture with one tile per image, or one row per channel or class if `diversity`.

        Args:
            kind: of the picture.
            layer: path, or `""`.
            found: the images.
            names: what each image is of.
            layout: fields of the layout record beside those that follow from the settings.
            text: what the sheet shows, beside scores and notes.
        """
        several = self.ascent.diversity
        if several > 1:
            layout = {**layout, "row_titles": list(names[::several])}
        return ColorPicture(
            kind,
            layer,
            found.images,
            {**layout, "method": self.title},
            {
                **(text or {}),
                "scores": [six_digits(score) for score in found.after],
                **_note(names, found.notes),
            },
            several if several > 1 else TILES_PER_ROW,
        )


def _note(names: Sequence[str], notes: Sequence[str | None]) -> dict[str, str]:
    """Describe which tiles are blank and why."""
    reasons: dict[str, list[str]] = {}
    for name, note in zip(names, notes, strict=True):
        if note is not None and name not in reasons.setdefault(note, []):
            reasons[note].append(name)
    notes_in_words = [f"{', '.join(blank)} (blank): {reason}" for reason, blank in reasons.items()]
    return {"note": "; ".join(notes_in_words)} if notes_in_words else {}
