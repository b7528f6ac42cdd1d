"""Share code between the callbacks that maximize: the ascent, its canvas, and its pictures."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any, Unpack

import numpy as np

from tbviz.arrays.floats import six_digits
from tbviz.arrays.types import Floats
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions, check_switch
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import TILES_PER_ROW, ColorPicture
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
        given: Any = ascent
        if not isinstance(given, Ascent):
            name = type(self).__name__
            msg = f"{name} received ascent={ascent!r}; expected settings, such as Ascent(steps=24)"
            raise TbvizError(msg)
        number: Any = seed
        whole = isinstance(number, int | np.integer) and not isinstance(number, bool)
        if not whole or number < 0:
            raise TbvizError(f"received seed={seed!r}; expected a whole number of at least 0")
        self.ascent = ascent
        self.seed = int(seed)
        self.warm_start = check_switch("warm_start", warm_start)
        self._previous: dict[str, tuple[list[int], Floats]] = {}

    def reset(self) -> None:
        """Forget earlier images: a new `fit` or a changed model starts from a blank again."""
        self._previous.clear()

    def canvas(self, view: ModelView, log: CallbackLog, *, explicit: bool) -> Canvas | None:
        """Return the canvas; report and return None if the model takes no image.

        Args:
            view: Of the model.
            log: Takes the notice.
            explicit: Whether the user named what to maximize, so that a failure is an error.

        Raises:
            TbvizError: If the model takes no image, and `explicit`.
        """
        try:
            return canvas_of(view.model, None if view.probe is None else view.probe.inputs)
        except TbvizError as error:
            if explicit:
                raise
            text = f"left out: {error}"
            log.notice(text, level="info", event="left_out")
            return None

    def maximize(
        self,
        key: str,
        requested: Sequence[int],
        ascent: Callable[[Sequence[int], Floats | None], Result],
    ) -> Result:
        """Maximize channels or classes, from the last images if `warm_start`.

        Args:
            key: Of the layer; a warm start continues from the images of the same key.
            requested: The channels or classes.
            ascent: Takes them, and the images that a warm start continues from.

        Raises:
            TbvizError: If no image could be made for any of them.
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
        layout: Layout,
        text: Caption | None = None,
    ) -> ColorPicture:
        """Return a picture with one tile per image, or one row per channel or class if `diversity`.

        Args:
            kind: The kind of the picture.
            layer: The path of the layer, `""` for the whole model.
            found: The images.
            names: What each image is of.
            layout: The fields of the layout record that do not follow from the settings.
            text: The caption of the sheet, without scores and notes. Defaults to None: these
                alone.
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
                **(text or Caption()),
                "scores": [six_digits(score) for score in found.after],
                **_note(names, found.notes),
            },
            several if several > 1 else TILES_PER_ROW,
        )


def _note(names: Sequence[str], notes: Sequence[str | None]) -> Caption:
    """Describe which tiles are blank and why."""
    reasons: dict[str, list[str]] = {}
    for name, note in zip(names, notes, strict=True):
        if note is not None and name not in reasons.setdefault(note, []):
            reasons[note].append(name)
    notes_in_words = [f"{', '.join(blank)} (blank): {reason}" for reason, blank in reasons.items()]
    return {"note": "; ".join(notes_in_words)} if notes_in_words else {}
