"""`FilterMaximization`: the input that excites each filter most."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from tbviz.arrays.types import Floats
from tbviz.callbacks.maximization import Maximization
from tbviz.callbacks.options import CallbackOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import ColorPicture
from tbviz.methods.activation_maps.feature_maps import check_channels, select_channels
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
    """Log, for each filter, an image that excites it, found by gradient ascent from a blank.

    The image shows what a filter responds to: edges and colors in early layers, textures and parts
    in later ones, noise in a layer that has not learned. All filters of a layer are maximized in
    one compiled loop, with the same seed at every snapshot, so that epochs compare. With the
    activation `a_k(i, j)` of a filter, the image `I` is

        argmax_I  ln mean_ij a_k(i, j; I) - penalties(I)

    Args:
        layers: Defaults to None: up to four convolutions, spread over the depth.
        images: The size and the range of the input are learned from them. Defaults to None:
            the images of the other callbacks, otherwise the input shape of the model.
        ascent: With its `diversity`, several images per filter. Defaults to None:
            `tbviz.Ascent()`.

    References:
        Erhan, Bengio, Courville and Vincent 2009, "Visualizing Higher-Layer Features of a Deep
        Network"; Olah, Mordvintsev and Schubert 2017, "Feature Visualization".

    Example:
        >>> textures = tbviz.FilterMaximization("logs/run", layers="conv3", filters=[0, 5, 9])
        >>> model.fit(x, y, callbacks=[textures])  # one picture of 3 color tiles per epoch
    """

    needs = "convolution over images"

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        *,
        layers: Any = None,
        filters: int | Sequence[int] = 16,
        images: Any = None,
        ascent: Ascent | None = None,
        seed: int = 0,
        warm_start: bool = False,
        **options: Unpack[CallbackOptions],
    ) -> None:
        super().__init__(
            log_dir,
            images,
            layers=layers,
            ascent=ascent or Ascent(),
            seed=seed,
            warm_start=warm_start,
            **options,
        )
        self.filters = check_channels(filters, "filters")

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
            view.inspector, objective, channels, canvas, self.ascent, self.seed, start
        )

    def _layer_picture(
        self, output: Output, channels: Sequence[int], found: Maximized
    ) -> ColorPicture:
        layout: Layout = {
            "total": output.channels,
            "target": "mean response of the channel",
        }
        if self.ascent.diversity == 1:
            layout["channels"] = list(channels)
        names = [f"channel {channel}" for channel in found.channels]
        return self.picture("maximization", output.key, found, names, layout)
