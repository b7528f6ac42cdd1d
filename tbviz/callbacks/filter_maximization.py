"""`FilterMaximization`: the input that excites each filter most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import ScheduleLike, Visual
from tbviz.callbacks.pictures import Colours
from tbviz.methods.activations import choose_channels
from tbviz.methods.maximization.ascent import Ascent, maximize
from tbviz.methods.maximization.canvas import canvas_of
from tbviz.taps.select import default_convolutions, select
from tbviz.taps.survey import Output


class FilterMaximization(Visual):
    """Logs, for each filter, an image that excites it, found by gradient ascent from a blank.

    All filters of a layer climb at once in one compiled loop. The start and the transforms have
    the same seed at every epoch, so epochs compare.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        layers: which layers; up to four convolutions, spread over the depth, unless given.
        filters: how many filters of each layer, or which; 16 unless given.
        images: images as the model takes them, from which size and range of the input are
            learnt; else the other callbacks' images, else the model's own input shape.
        settings: steps, rate and transforms of the ascent.
        seed: of the start and the transforms.
        warm_start: go on from the images of the last look in place of a blank.
        schedule: when to look; at every epoch's end unless given.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images or schedule cannot be used.
    """

    def __init__(  # noqa: PLR0913  (the choices a user has)
        self,
        log_dir: str | os.PathLike[str],
        layers: Any = None,
        filters: int | Sequence[int] = 16,
        *,
        images: Any = None,
        settings: Ascent | None = None,
        seed: int = 0,
        warm_start: bool = False,
        schedule: ScheduleLike = "epoch",
        strict: bool = False,
    ) -> None:
        super().__init__(log_dir, images=images, layers=layers, schedule=schedule, strict=strict)
        self.filters = filters
        self.settings = settings or Ascent()
        self.seed = seed
        self.warm_start = warm_start
        self._former: dict[str, npt.NDArray[np.float32]] = {}
        self._outputs: list[Output] | None = None

    def forget(self) -> None:
        """A changed model is maximized from a blank again."""
        super().forget()
        self._former.clear()
        self._outputs = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a new `fit`."""
        self._outputs = None
        super().on_train_begin(logs)

    def look(self, model: Any) -> None:
        """Adds one picture a layer."""
        session = self.session
        looker = session.look_into(model)
        survey = session.survey(model)
        if self._outputs is None:
            self._outputs = []
            self._outputs = (
                default_convolutions(survey, limit=4)
                if self.layers is None
                else select(survey, self.layers, lambda output: len(output.shape) == 4)
            )
        probe = session.probe
        canvas = canvas_of(model, None if probe is None else probe.inputs)
        for output in self._outputs:
            with self.boundary(output.key):
                channels = choose_channels(output.channels, self.filters)
                found = maximize(
                    looker,
                    output,
                    channels,
                    canvas,
                    self.settings,
                    self.seed,
                    self._former.get(output.key) if self.warm_start else None,
                )
                self._former[output.key] = found.coefficients
                scores = [float(f"{score:.6g}") for score in found.after]
                layout = {
                    "channels": channels,
                    "total": output.channels,
                    "method": self.method,
                    "target": "mean response of the channel",
                }
                session.add(
                    Colours(
                        "maximization", output.key, found.images, layout, {"scores": scores}
                    )
                )
                session.drew("maximization", output.key)
