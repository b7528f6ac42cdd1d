"""`LayerHealth`: numbers that tell whether a layer works."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import Visual
from tbviz.callbacks.journal import Journal
from tbviz.callbacks.pictures import Record
from tbviz.callbacks.records import six_digits
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.subject import Of
from tbviz.callbacks.view import View
from tbviz.methods.layer_health import COLUMNS, gray, layer_numbers
from tbviz.taps.select import default_layers, select
from tbviz.taps.survey import Output, Survey


class LayerHealth(Visual):
    """Logs dead channels, sparsity, spread, likeness to the input and change, for each layer.

    What each number means is defined in `tbviz.methods.layer_health`.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        layers: which layers; up to twelve, spread over the depth, unless given.
        labels: the class of each image, for captions.
        class_names: name of each class.
        schedule: when to look; at every epoch's end unless given.
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, schedule or `of` cannot be used.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Any = None,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
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
        self._former: dict[str, npt.NDArray[np.float32]] = {}

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers that are measured."""
        if self.layers is None:
            return default_layers(survey)
        return select(survey, self.layers, lambda output: len(output.shape) >= 2)

    def forget(self) -> None:
        """What a former `fit` or model put out is no measure of change."""
        self._former.clear()

    def look(self, view: View, journal: Journal) -> None:
        """Adds one record with all layers."""
        recording = view.recording
        probe, places = view.probe_of(self)
        inputs = gray(probe.pictures())
        layers: dict[str, dict[str, float]] = {}
        rows: list[int] = []
        payload: list[bytes] = []
        for output in self.chosen:
            with self.boundary(journal, output.key):
                maps = recording.maps[output.key][places]
                found = layer_numbers(maps, inputs, self._former.get(output.key))
                self._former[output.key] = maps
                numbers = {name: six_digits(value) for name, value in found.numbers.items()}
                whole = {name: int(numbers[name]) for name in ("channels", "dead")}
                layers[output.key] = {**numbers, **whole}
                rows.append(found.table.shape[1])
                payload.append(np.ascontiguousarray(found.table, "<f4").tobytes())
        if layers:
            meta = {
                "kind": "health",
                "layers": layers,
                "media": "table",
                "columns": list(COLUMNS),
                "rows": rows,
            }
            journal.add(Record(meta, payload))
