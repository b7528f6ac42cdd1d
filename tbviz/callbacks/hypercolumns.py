"""`Hypercolumns`: what several layers say about each pixel, laid over each other."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tbviz.arrays.resample import reduced_size
from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.per_layer_cache import PerLayerCache
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.probe import Probe
from tbviz.callbacks.run.submodel import Submodel, find_submodel
from tbviz.methods.activation_maps.overview import short_names
from tbviz.methods.hypercolumn import HypercolumnBasis, hypercolumn_layers, hypercolumns_of
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import LayerNotFoundError

MAX_SIDE = 128
"""The longest side of a picture in pixels."""


class Hypercolumns(Visual):
    """Logs hypercolumns: the activations of several layers, enlarged and averaged, and in color.

    Where the average is high, much of the network answers. Equal colors are pixels of which all
    the layers together say the same. The first snapshot decides what the colors mean; a second
    `fit` with the same callback and the same layers reuses them.

    Hariharan, Arbelaez, Girshick and Malik 2015, "Hypercolumns for Object Segmentation and
    Fine-grained Localization".

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        layers: which layers: numbers as in `model.layers[i]`, such as `[1, 4, 7]`, or any filter;
            or several such lists, a tile each, such as `[[1, 4, 7], [1, 4, 7, 10, 11, 14, 17]]`.
            Six layers spread over the depth unless given. See `tbviz.methods.hypercolumn.numbered`
            for what a number counts in nested models.
        normalize: divide each layer by its spread at the first snapshot and weight all layers
            equally, so that one with large values or many channels does not drown the others.
            Else the average is over all channels of all layers.
        colors: also log the three principal components in color.
        labels: the class of each image, for the caption.
        class_names: name of each class.
        schedule: when to capture. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, labels, schedule, limits or `submodel` cannot be used.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        layers: Any = None,
        *,
        normalize: bool = True,
        colors: bool = True,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        schedule: ScheduleLike = "epoch",
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
            layers=layers,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.normalize = normalize
        self.colors = colors
        self._stacks: list[list[Output]] = []
        self._bases: PerLayerCache[HypercolumnBasis] = PerLayerCache()

    @property
    def _average(self) -> str:
        if self.normalize:
            return "Average of the layers, each divided by its spread"
        return "Average over all channels of the layers"

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
        names = view.probe.names() if view.probe is not None else probe.names()
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


def _size(probe: Probe, stacks: list[list[Output]]) -> tuple[int, int]:
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
