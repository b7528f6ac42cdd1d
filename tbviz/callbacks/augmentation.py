"""`Augmentation`: augmented versions of each probe image, drawn by the model itself."""

from __future__ import annotations

import os
from typing import Any, ClassVar, Unpack

import numpy as np

from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import FIRST_AND_LAST
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import ColorPicture
from tbviz.errors import TbvizError
from tbviz.methods.augmentation import DRAWS, augmentation_layer, augmented_by
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output

MAX_SIDE = 128
"""Pictures are reduced to this many pixels per side."""


class Augmentation(Visual):
    """Log several augmented versions of each probe image, drawn by the model's own layers.

    One row per image: the image, then outputs of the last augmentation layer in training mode. The
    rows show whether the augmentation is so strong that it removes the part of an image that
    identifies its class. A model without augmentation layers is left out.
    `tbviz.methods.augmentation.augmentation_layer` says which layers count.

    Args:
        num_draws: Number of augmented versions per image, at least 1.
        schedule: `"first-and-last"` captures no other epoch. Defaults to "first-and-last", since
            most augmentation does not change while a model trains.

    Example:
        >>> draws = tbviz.Augmentation("logs/run", x_val[:4], num_draws=6)
        >>> model.fit(x, y, callbacks=[draws])  # one picture of 4 rows and 1 + 6 columns
    """

    option_defaults: ClassVar[ImageOptions] = {"schedule": FIRST_AND_LAST}
    rare = True
    needs = "augmentation layer"

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        num_draws: int = DRAWS,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, **options)
        given: Any = num_draws
        if not isinstance(given, int | np.integer) or isinstance(given, bool) or given < 1:
            msg = f"Augmentation received num_draws={given!r}; expected at least 1, a whole number"
            raise TbvizError(msg)
        self.num_draws = num_draws

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the last augmentation layer."""
        found = augmentation_layer(model_outputs)
        return [] if found is None else [found]

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture with one row per probe image."""
        for output in self.selected:
            with log.guard(output.key):
                probe, rows = view.probe_of(self)
                maps = {output.key: view.recording.maps[output.key][rows]}
                found = augmented_by(view.inspector, output, probe.inputs, maps, self.num_draws)
                tiles = found.colors
                names = view.image_names
                layout: Layout = {
                    "title": f"Probe images as training sees them, after {output.key}",
                    "column_titles": ["image", *(f"draw {n + 1}" for n in range(self.num_draws))],
                    "row_titles": [names[row] for row in rows],
                    "map": list(tiles.shape[2:4]),
                    "method": self.title,
                }
                log.add(
                    ColorPicture(
                        "augmentation",
                        "",
                        tiles.reshape(-1, *tiles.shape[2:]),
                        layout,
                        columns=1 + self.num_draws,
                        max_side=MAX_SIDE,
                    )
                )
