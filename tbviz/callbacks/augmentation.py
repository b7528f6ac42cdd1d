"""`Augmentation`: what the model's augmentation layers make of each probe image."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import ColorPicture
from tbviz.callbacks.run.submodel import Submodel
from tbviz.errors import TbvizError
from tbviz.methods.augmentation import DRAWS, augmentation_layer, augmented_by
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output

MAX_SIDE = 128
"""Pictures are reduced to this many pixels per side."""


def at_the_ends(_: int) -> bool:
    """Return `False`: only the first and the last epoch are captured, as they always are."""
    return False


class Augmentation(Visual):
    """Logs each probe image behind the model's last augmentation layer, drawn several times.

    One row per image: the image itself, then draws. A model without such layers gets nothing; see
    `tbviz.methods.augmentation.augmentation_layer` for what is one.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        draws: how often each image is drawn.
        labels: the class of each image, for the caption.
        class_names: name of each class.
        schedule: when to capture. Defaults to the first and the last epoch, since most augmentation
            does not change while a model trains.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, labels, draws, schedule, limits or `submodel` cannot be used.
    """

    rare = True
    needs = "augmentation layer"

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        draws: int = DRAWS,
        *,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        schedule: ScheduleLike = at_the_ends,
        submodel: Submodel = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            labels=labels,
            class_names=class_names,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        if draws < 1:
            raise TbvizError(f"Augmentation received draws={draws}; it takes at least 1")
        self.draws = draws

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
                found = augmented_by(view.inspector, output, probe.inputs, maps, self.draws)
                tiles = found.colors
                names = view.probe.names() if view.probe is not None else probe.names()
                layout: Layout = {
                    "title": f"What training sees of each image, behind {output.key}",
                    "column_titles": ["image", *(f"draw {n + 1}" for n in range(self.draws))],
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
                        columns=1 + self.draws,
                        max_side=MAX_SIDE,
                    )
                )
