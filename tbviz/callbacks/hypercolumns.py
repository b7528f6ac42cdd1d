"""Log hypercolumns: what several layers compute for each pixel, in one picture."""

from __future__ import annotations

import os
from typing import Any, Unpack

import numpy as np

from tbviz.arrays.resample import reduced_size
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions, check_switch
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.per_layer_cache import PerLayerCache
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.submodel import find_submodel
from tbviz.methods.activation_maps.overview import short_names
from tbviz.methods.hypercolumn import HypercolumnBasis, hypercolumn_layers, hypercolumns_of
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import LayerNotFoundError, check_filter

MAX_SIDE = 128
"""The longest side of a picture in pixels."""


class Hypercolumns(Visual):
    """Log hypercolumns: the activations of several layers, enlarged to one size and averaged.

    Where the average is high, much of the network responds. The color picture shows the first
    three principal components of all channels: pixels of one color are pixels about which all
    layers say the same. The first snapshot decides what the colors mean; a second `fit` with the
    same callback and the same layers reuses them.

    Args:
        layers: Numbers as in `model.layers[i]` are allowed too, such as `[1, 4, 7]`
            (`tbviz.methods.hypercolumn.numbered` says what they count in nested models). Several
            such lists have one tile each. Defaults to None: six layers, spread over the depth.
        normalize: Whether to divide each layer by its spread at the first snapshot and to weight
            all layers equally, so that a layer with large values or many channels does not hide
            the others. Otherwise all channels of all layers are averaged.
        colors: Whether to log the color picture too.

    References:
        Hariharan, Arbelaez, Girshick and Malik 2015, "Hypercolumns for Object Segmentation and
        Fine-grained Localization".

    Example:
        >>> columns = tbviz.Hypercolumns("logs/run", x_val[:4], layers=[[1, 4, 7], [1, 4, 7, 10]])
        >>> model.fit(x, y, callbacks=[columns])  # 2 tiles per image, up to 128 pixels per side
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        layers: Any = None,
        normalize: bool = True,
        colors: bool = True,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, layers=layers, **options)
        self.normalize = check_switch("normalize", normalize)
        self.colors = check_switch("colors", colors)
        self._stacks: list[list[Output]] = []
        self._bases: PerLayerCache[HypercolumnBasis] = PerLayerCache()

    @property
    def _average(self) -> str:
        if self.normalize:
            return "Average of the layers, each divided by its spread"
        return "Average over all channels of the layers"

    def check_layers(self, layers: Any) -> Any:
        """Return the user's `layers=`: numbers of layers and several lists are allowed too."""
        return check_filter(layers, numbers=True)

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers of all lists."""
        model = find_submodel(self.model, self.submodel)
        try:
            self._stacks = [
                hypercolumn_layers(model_outputs, model, one) for one in _lists(self.layers)
            ]
        except LayerNotFoundError:
            if self.layers is not None:
                raise
            self._stacks = []
        return [output for stack in self._stacks for output in stack]

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add the averages, one tile per list of layers, and the colors, one per probe image."""
        if not self._stacks:
            return
        recording = view.recording
        probe, rows = view.probe_of(self)
        names = view.image_names
        size = _size(probe, self._stacks)
        found = []
        for stack in self._stacks:
            maps = {output.key: recording.maps[output.key][rows] for output in stack}
            one = hypercolumns_of(
                maps, size, normalize=self.normalize, basis=self._bases.get(stack)
            )
            self._bases.set(stack, one.basis)
            found.append(one)
        titles = [_title(one.layers) for one in found]
        common: Layout = {"stacks": [one.layers for one in found], "method": self.title}
        layout: Layout = {**common, "titles": titles, "title": self._average}
        tiles = np.stack([one.mean for one in found], axis=1)
        log.add(GrayPicture("hypercolumns", "", tiles, layout, images=rows, max_side=MAX_SIDE))
        if self.colors:
            pictures = np.concatenate([one.colors for one in found])
            shown = [names[row] for row in rows]
            layout = {**common, "title": "Principal components of the layers' activations"}
            if len(found) > 1:
                layout |= {"row_titles": titles, "column_titles": shown}
            else:
                layout |= {"titles": shown}
            columns = len(rows)
            log.add(ColorPicture("hypercolumns:colors", "", pictures, layout, columns=columns))


def _lists(layers: Any) -> list[Any]:
    """Return one list of layers, or several."""
    several = (
        isinstance(layers, list | tuple)
        and layers
        and all(isinstance(one, list | tuple | range) for one in layers)
    )
    return list(layers) if several else [layers]


def _size(probe: ProbeArrays, stacks: list[list[Output]]) -> tuple[int, int]:
    """Return height and width of the pictures: those of the probe images, up to `MAX_SIDE`."""
    pictures = probe.pictures()
    sizes = [output.size for stack in stacks for output in stack if output.size is not None]
    height, width = max(sizes) if pictures is None else pictures.shape[1:3]
    return reduced_size(height, width, MAX_SIDE)


def _title(layers: list[str]) -> str:
    names = short_names(layers)
    if len(names) <= 3:
        return " + ".join(names)
    return f"{names[0]} to {names[-1]}, {len(names)} layers"
