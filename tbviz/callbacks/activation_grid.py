"""`ActivationGrid`: the feature maps of selected layers, one sheet per image and layer."""

from __future__ import annotations

import os
from typing import Any, Unpack

import numpy as np

from tbviz.arrays.floats import six_digits
from tbviz.arrays.principal import Axes
from tbviz.arrays.types import Floats
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions, check_switch
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.caption import Caption
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.per_layer_cache import PerLayerCache
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.methods.activation_maps.bars import bars
from tbviz.methods.activation_maps.feature_maps import (
    MAX_CHANNELS,
    Channels,
    Order,
    channel_tiles,
    check_channels,
    check_order,
    drawable,
    is_vector,
    most_active,
    select_channels,
)
from tbviz.methods.activation_maps.overview import MAX_MAPS, SIDE, overview_layers, overview_of
from tbviz.methods.activation_maps.rgb_maps import has_colors, rgb_maps
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, select


class ActivationGrid(Visual):
    """Log the feature maps of selected layers, one sheet per probe image and layer.

    A feature map that resembles the input has learned nothing yet. A map that is flat on every
    image is a dead channel. Layers whose output is a vector are drawn as bars.

    Three kinds of pictures are logged: the maps, tile by tile; one color picture per layer, whose
    red, green and blue are the first three principal components of the channels, or the channels
    themselves if there are three; and an overview with the first maps of the first fifteen layers
    side by side. The first snapshot decides which channels are the most active and what the colors
    mean. A second `fit` with the same callback and the same layers reuses these choices.

    Args:
        layers: Layers with vectors, such as `Dense`, can be named too. Defaults to None: up to
            twelve layers with feature maps, spread over the depth.
        channels: How many channels of each layer, at least 1, or a list of their numbers. They
            are drawn 16 per row.
        order: Which channels come first: `"first"` takes them by number, or as listed;
            `"most-active"` takes those whose values vary most over the probe images at the first
            snapshot, the most active first.
        colors: Whether to log the color picture of each layer.
        overview: Whether to log the overview.

    Example:
        >>> x_val.shape
        (1000, 32, 32, 3)
        >>> maps = tbviz.ActivationGrid(
        ...     "logs/run", x_val[:4], layers="conv*", channels=16, order="most-active"
        ... )
        >>> model.fit(x, y, callbacks=[maps])  # 4 sheets of 16 tiles per layer and epoch
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        layers: Any = None,
        channels: Channels = MAX_CHANNELS,
        order: Order = "first",
        colors: bool = True,
        overview: bool = True,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, layers=layers, **options)
        self.channels = check_channels(channels)
        self.order = check_order(order)
        self.colors = check_switch("colors", colors)
        self.overview = check_switch("overview", overview)
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
        names = view.image_names
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
            text = "its overview is skipped: another ActivationGrid in this fit logs one"
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
        if self.order == "first":
            return select_channels(maps.shape[-1], self.channels)
        cached = self._channels.get([output])
        if cached is None:
            return self._channels.set([output], most_active(maps, self.channels))
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
            "title": f"First {found.maps} channels of the first {len(found.layers)} layers",
            "column_titles": found.titles,
            "row_titles": [f"channel {row}" for row in range(found.maps)],
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
