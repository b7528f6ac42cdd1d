"""`ActivationGrid`: the feature maps of selected layers, one sheet per image and layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tbviz.arrays.floats import six_digits
from tbviz.arrays.principal import Axes
from tbviz.arrays.types import Floats
from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.per_layer_cache import PerLayerCache
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.submodel import Submodel
from tbviz.methods.activation_maps.bars import bars
from tbviz.methods.activation_maps.feature_maps import (
    MAX_CHANNELS,
    Channels,
    channel_tiles,
    check_channels,
    drawable,
    is_vector,
    select_channels,
)
from tbviz.methods.activation_maps.overview import MAX_MAPS, SIDE, overview_layers, overview_of
from tbviz.methods.activation_maps.rgb_maps import has_colors, rgb_maps
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, select


class ActivationGrid(Visual):
    """Logs the feature maps of selected layers, one sheet per probe image and layer.

    A map that looks like the input has learned nothing, a flat one is a dead channel. Beside the
    maps, each layer is logged in color (`tbviz.methods.activation_maps.rgb_maps`), and the first
    maps of the first fifteen layers are logged on one sheet
    (`tbviz.methods.activation_maps.overview`).

    The first snapshot decides which channels are the most active and what the colors mean. A
    second `fit` with the same callback and the same layers reuses these choices.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image, for the caption.
        class_names: name of each class.
        layers: which layers (path, name, glob, compiled regex, type, callable, or a list);
            up to twelve, spread over the depth, unless given. Layers that put out vectors, such
            as `Dense`, can be given: they are drawn as bars.
        channels: how many channels of each layer, the first ones; 64 unless given, 16 a row. Or
            `"most-active"`, the 64 that vary most over the probe images at the first snapshot,
            the most active first; with a number, `"most-active:16"`. Or a list of which.
        colors: also log a color picture of each layer and image: the layer's three channels, or
            the three principal components of more, on the axes of the first snapshot.
        overview: also log the overview.
        schedule: when to capture. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, labels, channels, schedule, limits or `submodel` cannot be used.

    Example:
        >>> model.fit(x, y, callbacks=[tbviz.ActivationGrid("logs/run", x_val[:4])])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        layers: Any = None,
        channels: Channels = MAX_CHANNELS,
        colors: bool = True,
        overview: bool = True,
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
        self.channels = check_channels(channels)
        self.colors = colors
        self.overview = overview
        self._sheet_layers: list[Output] = []
        self._overview_outputs: list[Output] = []
        self._channels: PerLayerCache[list[int]] = PerLayerCache()
        self._axes: PerLayerCache[Axes] = PerLayerCache()

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers that get sheets of their own, and those of the overview."""
        self._sheet_layers = (
            default_layers(model_outputs)
            if self.layers is None
            else select(model_outputs, self.layers, drawable)
        )
        self._overview_outputs = overview_layers(model_outputs) if self.overview else []
        sheet_keys = {output.key for output in self._sheet_layers}
        # All channels of fifteen layers of a large network would be hundreds of megabytes.
        self.first_channels = {
            o.key: MAX_MAPS for o in self._overview_outputs if o.key not in sheet_keys
        }
        return [*self._sheet_layers, *self._overview_outputs]

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per layer, the colors and the overview."""
        recording = view.recording
        _, rows = view.probe_of(self)
        merged = view.probe
        names = merged.names() if merged is not None else []
        titles = [names[row] for row in rows]
        for output in self._sheet_layers:
            with log.guard(output.key):
                maps = recording.maps[output.key][rows]
                log.add(self._sheet(output, maps, rows))
                if self.colors and has_colors(output):
                    log.add(self._colors(output, maps, titles))
        if self._overview_outputs and self._logs_overview(log):
            with log.guard():
                columns = {o.key: recording.maps[o.key][rows] for o in self._overview_outputs}
                log.add(self._overview(columns, rows))

    def _logs_overview(self, log: CallbackLog) -> bool:
        """Return whether this callback logs the overview: only the first grid of a `fit` does."""
        others_log = log.others_log("overview")
        if others_log:
            text = "its overview is left out: another ActivationGrid of this fit logs one"
            log.notice(text, level="info", event="left_out", detail=["overview"])
        return not others_log

    def _sheet(self, output: Output, maps: Floats, rows: list[int]) -> GrayPicture:
        channels = self._selected_channels(output, maps)
        layout: Layout = {"total": maps.shape[-1], "method": self.title}
        if is_vector(output):
            return _bars(output.key, maps, channels, layout, rows)
        layout["channels"] = channels
        tiles = channel_tiles(maps, channels)
        return GrayPicture("activations", output.key, tiles, layout, images=rows)

    def _selected_channels(self, output: Output, maps: Floats) -> list[int]:
        if not isinstance(self.channels, str):
            return select_channels(maps.shape[-1], self.channels)
        cached = self._channels.get([output])
        if cached is None:
            selected = select_channels(maps.shape[-1], self.channels, maps)
            return self._channels.set([output], selected)
        return cached

    def _colors(self, output: Output, maps: Floats, titles: list[str]) -> ColorPicture:
        found = rgb_maps(maps, self._axes.get([output]), limit=64)
        self._axes.set([output], found.axes)
        layout: Layout = {
            "titles": titles,
            "title": _colors_title(maps.shape[-1], found.axes),
            "map": list(maps.shape[1:3]),
            "method": self.title,
        }
        return ColorPicture("activations:colors", output.key, found.colors, layout)

    def _overview(self, maps: dict[str, Floats], rows: list[int]) -> GrayPicture:
        found = overview_of(maps)
        layout: Layout = {
            "title": f"The first {found.maps} maps of the first {len(found.layers)} layers",
            "column_titles": found.titles,
            "row_titles": [f"map {row}" for row in range(found.maps)],
            "column_layers": found.layers,
            "method": self.title,
        }
        return GrayPicture(
            "overview",
            "",
            found.tiles,
            layout,
            images=rows,
            columns=len(found.layers),
            max_side=SIDE,
        )


def _bars(
    layer: str, maps: Floats, channels: list[int], layout: Layout, rows: list[int]
) -> GrayPicture:
    values = maps.reshape(len(maps), -1)[:, channels]
    pictures = bars(values)
    layout = {
        **layout,
        "bars": channels,
        "titles": [f"{len(channels)} of {layout['total']} channels, one bar each"],
        "title": "One bar per channel, upward if it is above zero; one scale for all images",
        "map": [1, 1],
    }
    if np.any(values < 0):
        layout["signed"] = True
    texts = [Caption(note=_extent(row)) for row in values]
    tiles = pictures[:, None]
    return GrayPicture(
        "activations", layer, tiles, layout, texts, images=rows, max_side=max(tiles.shape)
    )


def _extent(values: Floats) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no value is finite"
    low, high = six_digits(finite.min()), six_digits(finite.max())
    not_finite = values.size - finite.size
    return f"from {low} to {high}" + (
        f"; {not_finite} of {values.size} not finite" if not_finite else ""
    )


def _colors_title(channels: int, axes: Axes) -> str:
    if channels == 3:
        return "The three channels as red, green and blue"
    shares = ", ".join(
        f"{color} {share:.0%}"
        for color, share in zip(("red", "green", "blue"), axes.share, strict=True)
    )
    return f"Principal components of {channels} channels: {shares} of the first snapshot's variance"
