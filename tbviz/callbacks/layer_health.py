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
from tbviz.callbacks.model_view import View
from tbviz.callbacks.pictures import Record
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.submodel import Of
from tbviz.methods.advice import Advice, Advisor
from tbviz.methods.layer_health import COLUMNS, layer_numbers
from tbviz.methods.rules import Look
from tbviz.methods.saturation import bounds_of
from tbviz.methods.similarity import gray
from tbviz.methods.thresholds import Thresholds
from tbviz.methods.weight_norms import WeightHistory, has_kernel, has_weights, stand_in
from tbviz.taps.model_outputs import Survey
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, is_activation, is_merge, select


class LayerHealth(Visual):
    """Logs numbers that tell whether each layer works, and advice where a threshold is crossed.

    Dead, saturated, sparse and like channels, mean and spread, likeness to the input, change,
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
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05; they look less often to stay below. No limit unless given.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`; likewise.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, schedule, limits or `of` cannot be used.
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
        self.thresholds = thresholds or Thresholds()
        self._former: dict[str, npt.NDArray[np.float32]] = {}
        self._weights = WeightHistory()
        self._advisor = Advisor(self.thresholds)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes the epoch."""
        self._epoch = epoch
        super().on_epoch_begin(epoch, logs)

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers that are measured."""
        if self.layers is None:
            return default_layers(survey)
        return select(survey, self.layers, lambda output: len(output.shape) >= 2)

    def forget(self) -> None:
        """What a former `fit` or model put out is no measure of change."""
        self._former.clear()
        self._weights.forget()
        self._advisor.forget()

    def look(self, view: View, journal: Journal) -> None:
        """Adds one record with all layers."""
        recording = view.recording
        probe, places = view.probe_of(self)
        inputs = gray(probe.pictures())
        looks = []
        for output in self.chosen:
            with self.boundary(journal, output.key):
                maps = recording.maps[output.key][places]
                looks.append(self._look(output, view, maps, inputs))
        if looks:
            broken = [_row(advice) for advice in view.breakage.advice()]
            journal.add(_record(looks, [*broken, *self._advise(looks, journal)]))

    def _look(
        self,
        output: Output,
        view: View,
        maps: npt.NDArray[np.float32],
        inputs: npt.NDArray[np.float32] | None,
    ) -> Look:
        layer, key, survey = output.node.layer, output.key, view.survey
        former, self._former[key] = self._former.get(key), maps
        found = layer_numbers(maps, inputs, former, bounds_of(layer), self.thresholds)
        weights = stand_in(output, survey, self.chosen)
        norm, update = self._weights.measure(key, weights)
        fault = view.looker.fault_of(weights)
        numbers = {"weight_norm": norm, "update_norm": update, "weight_fault": fault}
        return Look(
            key,
            self._epoch,
            replace(found, numbers={**found.numbers, **numbers}),
            weighted=has_kernel(weights),
            trainable=bool(getattr(weights, "trainable_variables", ())),
            hands_on=not (has_weights(layer) or is_activation(output) or is_merge(output)),
            broken=bool(view.looker.broken_channels(output, survey).any()),
        )

    def _advise(self, looks: list[Look], journal: Journal) -> list[dict[str, str]]:
        """What holds now; what has not been said yet is also said by a notice."""
        said = []
        for advice in self._advisor.advise(looks):
            said.append(_row(advice))
            journal.notice(
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


def _record(looks: list[Look], advice: list[dict[str, str]]) -> Record:
    layers = {}
    for look in looks:
        numbers = {name: six_digits(value) for name, value in look.found.numbers.items()}
        layers[look.layer] = {**numbers, "channels": look.channels, "dead": int(numbers["dead"])}
    meta = {
        "kind": "health",
        "layers": layers,
        "media": "table",
        "columns": list(COLUMNS),
        "rows": [look.channels for look in looks],
        **({"advice": advice} if advice else {}),
    }
    tables = [np.ascontiguousarray(look.found.table, "<f4").tobytes() for look in looks]
    return Record(meta, tables)
