"""`ActivationGrid`: the feature maps of chosen layers, one sheet an image and layer."""

from __future__ import annotations

import os
import weakref
from collections.abc import Sequence
from typing import Any

import numpy as np

from tbviz.arrays.floats import six_digits
from tbviz.arrays.principal import Axes
from tbviz.arrays.types import Floats
from tbviz.callbacks.base import Visual
from tbviz.callbacks.model_view import View
from tbviz.callbacks.per_layer_cache import Kept
from tbviz.callbacks.pictures import Colours, Maps
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.submodel import Of
from tbviz.methods.bars import bars
from tbviz.methods.feature_maps import (
    MOST_CHANNELS,
    Channels,
    channel_tiles,
    check_channels,
    choose_channels,
    drawable,
    is_vector,
)
from tbviz.methods.overview import MOST_MAPS, SIDE, overview_layers, overview_of
from tbviz.methods.rgb_maps import colour_maps, has_colours
from tbviz.taps.model_outputs import Survey
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, select


class ActivationGrid(Visual):
    """Logs the feature maps of chosen layers on the probe images, one sheet an image and layer.

    A map that looks like the input has learnt nothing, a flat one is a dead channel. Beside the
    maps, each layer is logged in colour (`tbviz.methods.rgb_maps`), and the first maps of the
    first fifteen layers are logged on one sheet (`tbviz.methods.overview`).

    Which channels are the most active, and what colours mean, is decided at the first look and
    kept, over a second `fit` with the same callback and the same layers too.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image, for the caption.
        class_names: name of each class.
        layers: which layers (path, name, glob, compiled regex, type, callable, or a list);
            up to twelve, spread over the depth, unless given. Layers that put out vectors, such
            as `Dense`, can be given: they are drawn as bars.
        channels: how many channels of each layer, the first ones; 64 unless given, 16 a row. Or
            `"most-active"`, the 64 that vary most over the probe images at the first look, the
            most active first; with a number, `"most-active:16"`. Or a list of which.
        colours: also log a colour picture of each layer and image: the layer's three channels, or
            the three principal components of more, on the axes of the first look.
        overview: also log the overview.
        schedule: when to look; at every epoch's end unless given.
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05; they look less often to stay below. No limit unless given.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`; likewise.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, channels, schedule, limits or `of` cannot be used.

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
        channels: Channels = MOST_CHANNELS,
        colours: bool = True,
        overview: bool = True,
        schedule: ScheduleLike = "epoch",
        of: Of = None,
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
            of=of,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.channels = check_channels(channels)
        self.colours = colours
        self.overview = overview
        self._sheets: list[Output] = []
        self._columns: list[Output] = []
        self._channels: Kept[list[int]] = Kept()
        self._axes: Kept[Axes] = Kept()
        self._journal: weakref.ref[Journal] | None = None  # of which this one draws the overview

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers that get sheets of their own, and those of the overview."""
        self._sheets = (
            default_layers(survey) if self.layers is None else select(survey, self.layers, drawable)
        )
        self._columns = overview_layers(survey) if self.overview else []
        drawn = {output.key for output in self._sheets}
        # All channels of fifteen layers of a large network would be hundreds of megabytes.
        self.first_channels = {o.key: MOST_MAPS for o in self._columns if o.key not in drawn}
        return [*self._sheets, *self._columns]

    def look(self, view: View, journal: Journal) -> None:
        """Adds one picture a layer, and the colours and the overview."""
        recording = view.recording
        _, places = view.probe_of(self)
        together = view.probe
        names = together.names() if together is not None else []
        titles = [names[place] for place in places]
        for output in self._sheets:
            with self.boundary(journal, output.key):
                maps = recording.maps[output.key][places]
                journal.add(self._sheet(output, maps, places))
                if self.colours and has_colours(output):
                    journal.add(self._colours(output, maps, titles))
        if self._columns and self._draws_overview(journal):
            with self.boundary(journal, ""):
                columns = {o.key: recording.maps[o.key][places] for o in self._columns}
                journal.add(self._overview(columns, places))

    def _draws_overview(self, journal: Journal) -> bool:
        """One overview shows the model; a second grid of this `fit` leaves it to the first."""
        mine = self._journal is not None and self._journal() is journal
        if not mine and "overview" in journal.drawn.get("", ()):
            text = "its overview is left out: another ActivationGrid of this fit logs one"
            journal.notice(self.method, text, level="info", event="left_out", detail=["overview"])
            return False
        self._journal = weakref.ref(journal)
        return True

    def _sheet(self, output: Output, maps: Floats, places: list[int]) -> Maps:
        channels = self._chosen_channels(output, maps)
        layout = {"total": maps.shape[-1], "method": self.title}
        if is_vector(output):
            return _bars(output.key, maps, channels, layout, places)
        layout["channels"] = channels
        tiles = channel_tiles(maps, channels)
        return Maps("activations", output.key, tiles, layout, images=places)

    def _chosen_channels(self, output: Output, maps: Floats) -> list[int]:
        if not isinstance(self.channels, str):
            return choose_channels(maps.shape[-1], self.channels)
        kept = self._channels.of([output])
        if kept is None:
            chosen = choose_channels(maps.shape[-1], self.channels, maps)
            return self._channels.keep([output], chosen)
        return kept

    def _colours(self, output: Output, maps: Floats, titles: list[str]) -> Colours:
        found = colour_maps(maps, self._axes.of([output]), limit=64)
        self._axes.keep([output], found.axes)
        layout = {
            "titles": titles,
            "title": _colours_title(maps.shape[-1], found.axes),
            "map": list(maps.shape[1:3]),
            "method": self.title,
        }
        return Colours("activations:colours", output.key, found.colours, layout)

    def _overview(self, maps: dict[str, Floats], places: list[int]) -> Maps:
        found = overview_of(maps)
        layout = {
            "title": f"The first {found.maps} maps of the first {len(found.layers)} layers",
            "column_titles": found.titles,
            "row_titles": [f"map {row}" for row in range(found.maps)],
            "column_layers": found.layers,
            "method": self.title,
        }
        return Maps(
            "overview",
            "",
            found.tiles,
            layout,
            images=places,
            columns=len(found.layers),
            largest=SIDE,
        )


def _bars(
    layer: str, maps: Floats, channels: list[int], layout: dict[str, Any], places: list[int]
) -> Maps:
    values = maps.reshape(len(maps), -1)[:, channels]
    pictures = bars(values)
    layout = {
        **layout,
        "bars": channels,
        "titles": [f"{len(channels)} of {layout['total']} channels, a bar each"],
        "title": "One bar a channel, upward where it is above zero; one scale for all images",
        "map": [1, 1],
    }
    if np.any(values < 0):
        layout["signed"] = True
    texts = [{"note": _extent(row)} for row in values]
    tiles = pictures[:, None]
    return Maps("activations", layer, tiles, layout, texts, images=places, largest=max(tiles.shape))


def _extent(values: Floats) -> str:
    finite = values[np.isfinite(values)]
    if not finite.size:
        return "no value is finite"
    low, high = six_digits(finite.min()), six_digits(finite.max())
    broken = values.size - finite.size
    return f"from {low} to {high}" + (f"; {broken} of {values.size} not finite" if broken else "")


def _colours_title(channels: int, axes: Axes) -> str:
    if channels == 3:
        return "The three channels as red, green and blue"
    shares = ", ".join(
        f"{colour} {share:.0%}"
        for colour, share in zip(("red", "green", "blue"), axes.share, strict=True)
    )
    return f"Principal components of {channels} channels: {shares} of the first look's variance"
