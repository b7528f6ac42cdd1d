"""`LayerHealth`: numbers that tell whether a layer works."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.base import Visual
from tbviz.callbacks.model_view import ModelView
from tbviz.callbacks.pictures import MetaRecord
from tbviz.callbacks.run_log import RunLog
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.submodel import Submodel
from tbviz.methods.advice import Advice, Advisor
from tbviz.methods.layer_health import COLUMNS, layer_numbers
from tbviz.methods.rules import HealthSnapshot
from tbviz.methods.saturation import bounds_of
from tbviz.methods.similarity import gray
from tbviz.methods.thresholds import Thresholds
from tbviz.methods.weight_norms import WeightHistory, has_kernel, has_weights, weight_owner
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, is_activation, is_merge, select


class LayerHealth(Visual):
    """Logs numbers that tell whether each layer works, and advice where a threshold is crossed.

    Dead, saturated, sparse and like channels, mean and spread, similarity to the input, change,
    norm of the weights and of their update: what each means is defined in
    `tbviz.methods.layer_health`, what is said of them in `tbviz.methods.rules`. A line of advice
    is in the record of each position at which it holds; a notice says it once.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        layers: which layers; up to twelve, spread over the depth, unless given.
        labels: the class of each image, for captions.
        class_names: name of each class.
        thresholds: when a channel counts as dead, saturated or like another, and when advice is
            given.
        schedule: when to look; at every epoch's end unless given.
        submodel: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05; they look less often to stay below. No limit unless given.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`; likewise.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, schedule, limits or `submodel` cannot be used.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        *,
        layers: Any = None,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        thresholds: Thresholds | None = None,
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
        self.thresholds = thresholds or Thresholds()
        self._former: dict[str, npt.NDArray[np.float32]] = {}
        self._weights = WeightHistory()
        self._advisor = Advisor(self.thresholds)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch
        super().on_epoch_begin(epoch, logs)

    def wanted(self, model_outputs: ModelOutputs) -> list[Output]:
        """The layers that are measured."""
        if self.layers is None:
            return default_layers(model_outputs)
        return select(model_outputs, self.layers, lambda output: len(output.shape) >= 2)

    def reset(self) -> None:
        """What a former `fit` or model put out is no measure of change."""
        self._former.clear()
        self._weights.reset()
        self._advisor.reset()

    def capture(self, view: ModelView, run_log: RunLog) -> None:
        """Adds one record with all layers."""
        recording = view.recording
        probe, rows = view.probe_of(self)
        inputs = gray(probe.pictures())
        snapshots = []
        for output in self.selected:
            with self.boundary(run_log, output.key):
                maps = recording.maps[output.key][rows]
                snapshots.append(self._capture(output, view, maps, inputs))
        if snapshots:
            broken = [_row(advice) for advice in view.breakage.advice()]
            run_log.add(_record(snapshots, [*broken, *self._advise(snapshots, run_log)]))

    def _capture(
        self,
        output: Output,
        view: ModelView,
        maps: npt.NDArray[np.float32],
        inputs: npt.NDArray[np.float32] | None,
    ) -> HealthSnapshot:
        layer, key, model_outputs = output.node.layer, output.key, view.model_outputs
        former, self._former[key] = self._former.get(key), maps
        found = layer_numbers(maps, inputs, former, bounds_of(layer), self.thresholds)
        weights = weight_owner(output, model_outputs, self.selected)
        norm, update = self._weights.measure(key, weights)
        fault = view.inspector.fault_of(weights)
        numbers = {"weight_norm": norm, "weight_update": update, "weight_fault": fault}
        return HealthSnapshot(
            key,
            self._epoch,
            replace(found, numbers={**found.numbers, **numbers}),
            has_kernel=has_kernel(weights),
            trainable=bool(getattr(weights, "trainable_variables", ())),
            passes_through=not (has_weights(layer) or is_activation(output) or is_merge(output)),
            faulty=bool(view.inspector.faulty_channels(output, model_outputs).any()),
        )

    def _advise(self, snapshots: list[HealthSnapshot], run_log: RunLog) -> list[dict[str, str]]:
        """What holds now; what has not been said yet is also said by a notice."""
        said = []
        for advice in self._advisor.advise(snapshots):
            said.append(_row(advice))
            run_log.notice(
                self.method,
                advice.text,
                advice.remedy,
                advice.layer,
                advice.level,
                event="advice",
                rule=advice.rule,
            )
        return said


def _row(advice: Advice) -> dict[str, str]:
    return {"layer": advice.layer, "rule": advice.rule, "text": advice.line}


def _record(snapshots: list[HealthSnapshot], advice: list[dict[str, str]]) -> MetaRecord:
    layers = {}
    for capture in snapshots:
        numbers = {name: six_digits(value) for name, value in capture.found.numbers.items()}
        layers[capture.layer] = {
            **numbers,
            "channels": capture.channels,
            "dead": int(numbers["dead"]),
        }
    meta = {
        "kind": "health",
        "layers": layers,
        "media": "table",
        "columns": list(COLUMNS),
        "rows": [capture.channels for capture in snapshots],
        **({"advice": advice} if advice else {}),
    }
    tables = [np.ascontiguousarray(capture.found.table, "<f4").tobytes() for capture in snapshots]
    return MetaRecord(meta, tables)
