"""`ActivationGrid`: the feature maps of chosen layers, one sheet an image and layer."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tbviz.callbacks.base import Visual
from tbviz.callbacks.journal import Journal
from tbviz.callbacks.pictures import Maps
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.subject import Of
from tbviz.callbacks.view import View
from tbviz.methods.feature_maps import MOST_CHANNELS, channel_tiles, choose_channels
from tbviz.taps.select import default_layers, select
from tbviz.taps.survey import Output, Survey


class ActivationGrid(Visual):
    """Logs the feature maps of chosen layers on the probe images, one sheet an image and layer.

    A map that looks like the input has learnt nothing, a flat one is a dead channel.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image, for the caption.
        class_names: name of each class.
        layers: which layers (path, name, glob, compiled regex, type, callable, or a list);
            up to twelve, spread over the depth, unless given.
        channels: how many channels of each layer, or which; 64 unless given, 16 a row.
        schedule: when to look; at every epoch's end unless given.
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, schedule or `of` cannot be used.

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
        channels: int | Sequence[int] = MOST_CHANNELS,
        schedule: ScheduleLike = "epoch",
        of: Of = None,
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
            strict=strict,
        )
        self.channels = channels

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers whose maps are drawn."""
        if self.layers is None:
            return default_layers(survey)
        return select(survey, self.layers)

    def look(self, view: View, journal: Journal) -> None:
        """Adds one picture a layer."""
        recording = view.recording
        _, places = view.probe_of(self)
        for output in self.chosen:
            with self.boundary(journal, output.key):
                maps = recording.maps[output.key][places]
                total = maps.shape[-1]
                channels = choose_channels(total, self.channels)
                layout = {"channels": channels, "total": total, "method": self.method}
                tiles = channel_tiles(maps, channels)
                journal.add(Maps("activations", output.key, tiles, layout, images=places))
