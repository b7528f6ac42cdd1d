"""`LayerHealth`: numbers that tell whether a layer works."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import ScheduleLike, Visual
from tbviz.callbacks.pictures import Record
from tbviz.methods.health import COLUMNS, gray, layer_numbers
from tbviz.taps.select import default_layers, select
from tbviz.taps.survey import Output, Survey


class LayerHealth(Visual):
    """Logs dead channels, sparsity, spread, likeness to the input and change, for each layer.

    What each number means is defined in `tbviz.methods.health`.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        layers: which layers; up to 24, spread over the depth, unless given.
        labels: the class of each image, for captions.
        class_names: name of each class.
        schedule: when to look; at every epoch's end unless given.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels or schedule cannot be used.
    """

    def __init__(  # noqa: PLR0913  (the choices a user has)
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Any = None,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        schedule: ScheduleLike = "epoch",
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            labels=labels,
            class_names=class_names,
            layers=layers,
            schedule=schedule,
            strict=strict,
        )
        self._former: dict[str, npt.NDArray[np.float32]] = {}

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers that are measured."""
        if self.layers is None:
            return default_layers(survey)
        return select(survey, self.layers, lambda output: len(output.shape) in (2, 4))

    def forget(self) -> None:
        """What a former model put out is no measure of change."""
        super().forget()
        self._former.clear()

    def on_train_begin(self, logs: Any = None) -> None:
        """Begins a new `fit`: change is counted from its first look."""
        self._former.clear()
        super().on_train_begin(logs)

    def look(self, model: Any) -> None:
        """Adds one record with all layers."""
        recording = self.session.recording(model)
        probe, places = self.session.probe_of(self)
        inputs = gray(probe.pictures())
        layers: dict[str, dict[str, float]] = {}
        rows: list[int] = []
        payload: list[bytes] = []
        for output in self.chosen:
            with self.boundary(output.key):
                maps = recording.maps[output.key][places]
                found = layer_numbers(maps, inputs, self._former.get(output.key))
                self._former[output.key] = maps
                numbers: dict[str, Any] = {
                    name: float(f"{value:.6g}") for name, value in found.numbers.items()
                }
                numbers |= {name: int(numbers[name]) for name in ("channels", "dead")}
                layers[output.key] = numbers
                rows.append(found.table.shape[1])
                payload.append(np.ascontiguousarray(found.table, "<f4").tobytes())
                self.session.drew("health", output.key)
        if layers:
            meta = {
                "kind": "health",
                "layers": layers,
                "media": "table",
                "columns": list(COLUMNS),
                "rows": rows,
            }
            self.session.add(Record(meta, payload))
