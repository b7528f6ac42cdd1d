"""`FilterMaximization`: the input that excites each filter most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any

from tbviz.arrays.types import Floats
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.maximization import Maximization
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import ColorPicture
from tbviz.callbacks.run.submodel import Submodel
from tbviz.methods.activation_maps.feature_maps import select_channels
from tbviz.methods.maximization.ascent import maximize_objective
from tbviz.methods.maximization.canvas import Canvas
from tbviz.methods.maximization.objectives import ChannelMean
from tbviz.methods.maximization.result import Maximized
from tbviz.methods.maximization.settings import Ascent
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_convolutions, select

MAX_LAYERS = 4
"""How many layers are maximized unless more are asked for."""


class FilterMaximization(Maximization):
    """Logs, for each filter, an image that excites it, found by gradient ascent from a blank.

    All filters of a layer are maximized at once in one compiled loop. The start and the transforms
    have the same seed at every epoch, so epochs compare.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        layers: which layers; up to four convolutions, spread over the depth, unless given.
        filters: how many filters of each layer, or which; 16 unless given.
        images: images as the model takes them, from which size and range of the input are
            learned; else the other callbacks' images, else the model's own input shape.
        settings: steps, rate, image, transforms and penalties of the ascent; with its
            `diversity` several images a filter.
        seed: of the start and the transforms.
        warm_start: start from the images of this `fit`'s last snapshot instead of a blank.
        schedule: when to capture. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, schedule, limits or `submodel` cannot be used.

    Example:
        >>> textures = tbviz.FilterMaximization("logs/run", "conv3", filters=[0, 5, 9])
        >>> model.fit(x, y, callbacks=[textures])
    """

    needs = "convolution over images"

    def __init__(
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
        submodel: Submodel = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            layers=layers,
            settings=settings or Ascent(),
            seed=seed,
            warm_start=warm_start,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.filters = filters

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers whose filters are maximized."""
        if self.layers is None:
            return default_convolutions(model_outputs, limit=MAX_LAYERS)
        return select(model_outputs, self.layers)

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per layer."""
        if not self.selected:
            return
        canvas = self.canvas(view, log, explicit=self.layers is not None)
        if canvas is None:
            return
        for output in self.selected:
            with log.guard(output.key):
                channels = select_channels(output.channels, self.filters)
                ascent = partial(self._ascent, view, output, canvas)
                found = self.maximize(output.key, channels, ascent)
                log.add(self._layer_picture(output, channels, found))

    def _ascent(
        self,
        view: ModelView,
        output: Output,
        canvas: Canvas,
        channels: Sequence[int],
        start: Floats | None,
    ) -> Maximized:
        objective = ChannelMean(output)
        return maximize_objective(
            view.inspector, objective, channels, canvas, self.settings, self.seed, start
        )

    def _layer_picture(
        self, output: Output, channels: Sequence[int], found: Maximized
    ) -> ColorPicture:
        layout: Layout = {
            "total": output.channels,
            "target": "mean response of the channel",
        }
        if self.settings.diversity == 1:
            layout["channels"] = list(channels)
        names = [f"channel {channel}" for channel in found.channels]
        return self.picture("maximization", output.key, found, names, layout)
