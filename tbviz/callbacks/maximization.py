"""What the callbacks that maximize share: the ascent's settings, its canvas, and its pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import Visual
from tbviz.callbacks.journal import Journal
from tbviz.callbacks.pictures import COLUMNS, Colours
from tbviz.callbacks.records import six_digits
from tbviz.callbacks.view import View
from tbviz.errors import TbvizError
from tbviz.methods.maximization.ascent import Ascent, Maximized
from tbviz.methods.maximization.canvas import Canvas, canvas_of


class Maximization(Visual):
    """Images found by gradient ascent, the same way at every look, so that epochs compare.

    Args:
        settings: steps, rate, image, transforms and penalties of the ascent.
        seed: of the start and the transforms.
        warm_start: go on from the images of this `fit`'s last look in place of a blank.
        **common: see `Visual`.
    """

    wants_recording = False

    def __init__(
        self,
        *args: Any,
        settings: Ascent,
        seed: int = 0,
        warm_start: bool = False,
        **common: Any,
    ) -> None:
        super().__init__(*args, **common)
        self.settings = settings
        self.seed = seed
        self.warm_start = warm_start
        self._former: dict[str, npt.NDArray[np.float32]] = {}

    def forget(self) -> None:
        """A new `fit` or a changed model is maximized from a blank again."""
        self._former.clear()

    def canvas(self, view: View, journal: Journal, *, asked: bool) -> Canvas | None:
        """What is painted on; `None`, and said, where the model takes no image.

        Args:
            view: of the model.
            journal: takes the notice.
            asked: whether the user named what to maximize, and has to know.

        Raises:
            TbvizError: the model takes no image, and `asked`.
        """
        try:
            return canvas_of(view.model, None if view.probe is None else view.probe.inputs)
        except TbvizError as error:
            if asked:
                raise
            journal.notice(self.method, f"left out: {error}", level="info")
            return None

    def former(self, key: str) -> npt.NDArray[np.float32] | None:
        """Where a warm start goes on from; `None` for a blank."""
        return self._former.get(key) if self.warm_start else None

    def keep(self, key: str, found: Maximized) -> None:
        """Keeps what a warm start goes on from."""
        if self.warm_start:
            self._former[key] = found.coefficients

    def picture(
        self,
        kind: str,
        layer: str,
        found: Maximized,
        names: Sequence[str],
        layout: Mapping[str, Any],
        text: Mapping[str, Any] | None = None,
    ) -> Colours:
        """A tile an image; with several of each, a row a channel or class.

        Args:
            kind: of the picture.
            layer: path, or `""`.
            found: the images.
            names: what each image is of.
            layout: fields of the layout record beside those that follow from the settings.
            text: what the sheet shows, beside scores and notes.
        """
        several = self.settings.diversity
        if several > 1:
            layout = {**layout, "row_titles": list(names[::several])}
        return Colours(
            kind,
            layer,
            found.images,
            {**layout, "method": self.method},
            {
                **(text or {}),
                "scores": [six_digits(score) for score in found.after],
                **_note(names, found.notes),
            },
            several if several > 1 else COLUMNS,
        )


def _note(names: Sequence[str], notes: Sequence[str | None]) -> dict[str, str]:
    """Which tiles are blank, and why."""
    reasons: dict[str, list[str]] = {}
    for name, note in zip(names, notes, strict=True):
        if note is not None and name not in reasons.setdefault(note, []):
            reasons[note].append(name)
    said = [f"{', '.join(blank)} (blank): {reason}" for reason, blank in reasons.items()]
    return {"note": "; ".join(said)} if said else {}
