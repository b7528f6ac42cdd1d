"""`LayerHealth`: numbers that tell whether a layer works."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
import numpy.typing as npt

from tbviz.arrays.floats import six_digits
from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.errors import TbvizError
from tbviz.methods.layer_health.advice import Advice, Advisor
from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS, layer_numbers
from tbviz.methods.layer_health.rules import HealthSnapshot
from tbviz.methods.layer_health.saturation import bounds_of
from tbviz.methods.layer_health.similarity import gray
from tbviz.methods.layer_health.thresholds import Thresholds
from tbviz.methods.layer_health.weight_norms import (
    WeightHistory,
    has_kernel,
    has_weights,
    weight_owner,
)
from tbviz.taps.input_finiteness import faulty_images
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import default_layers, is_activation, is_merge, select


class LayerHealth(Visual):
    """Log numbers that tell whether each layer works, and advice if one crosses a threshold.

    The numbers are: dead, saturated, sparse and duplicate channels, mean and spread of the output,
    similarity to the input, change since the last snapshot, norm of the weights and of their
    update. `tbviz.methods.layer_health.numbers` defines them, `tbviz.methods.layer_health.rules`
    defines the advice. The record of a position has the advice that holds there; a notice reports
    each piece of advice once. A layer of `n` channels, of which `d` are dead, is advised on if

        d / n >= thresholds.dead

    at each of the last `thresholds.window` snapshots; the other rules have the same form.

    Args:
        layers: Defaults to None: up to twelve layers, spread over the depth.
        thresholds: When a channel counts as dead, saturated or a duplicate, and when there is
            advice. Defaults to None: `tbviz.Thresholds()`.

    Example:
        >>> strict = tbviz.Thresholds(dead=0.2, window=3)
        >>> health = tbviz.LayerHealth("logs/run", x_val[:8], thresholds=strict)
        >>> model.fit(x, y, callbacks=[health])  # one row per layer and one per channel
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        layers: Any = None,
        thresholds: Thresholds | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, layers=layers, **options)
        given: Any = Thresholds() if thresholds is None else thresholds
        if not isinstance(given, Thresholds):
            msg = f"LayerHealth received thresholds={thresholds!r}; expected tbviz.Thresholds(...)"
            raise TbvizError(msg)
        self.thresholds = given
        self._previous: dict[str, npt.NDArray[np.float32]] = {}
        self._weights = WeightHistory()
        self._advisor = Advisor(self.thresholds)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the epoch."""
        self._epoch = epoch
        super().on_epoch_begin(epoch, logs)

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers that are measured."""
        if self.layers is None:
            return default_layers(model_outputs)
        return select(model_outputs, self.layers, lambda output: len(output.shape) >= 2)

    def reset(self) -> None:
        """Forget the outputs of an earlier `fit` or model: they are no measure of change."""
        self._previous.clear()
        self._weights.reset()
        self._advisor.reset()

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one record with all layers."""
        recording = view.recording
        probe, rows = view.probe_of(self)
        inputs = gray(probe.pictures())
        spoiled = float(faulty_images(probe.inputs).mean())
        snapshots = []
        for output in self.selected:
            with log.guard(output.key):
                maps = recording.maps[output.key][rows]
                snapshots.append(self._measure(output, view, maps, inputs, spoiled))
        if snapshots:
            not_finite = [_row(advice) for advice in view.finiteness.advice()]
            log.add(_record(snapshots, [*not_finite, *self._advise(snapshots, log)]))

    def _measure(
        self,
        output: Output,
        view: ModelView,
        maps: npt.NDArray[np.float32],
        inputs: npt.NDArray[np.float32] | None,
        spoiled: float,
    ) -> HealthSnapshot:
        layer, key, model_outputs = output.node.layer, output.key, view.model_outputs
        previous, self._previous[key] = self._previous.get(key), maps
        found = layer_numbers(maps, inputs, previous, bounds_of(layer), self.thresholds)
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
            spoiled=spoiled,
        )

    def _advise(self, snapshots: list[HealthSnapshot], log: CallbackLog) -> list[dict[str, str]]:
        """Return the advice that holds now; a notice reports each piece of advice once."""
        advice_rows = []
        for advice in self._advisor.advise(snapshots):
            advice_rows.append(_row(advice))
            log.notice(
                advice.text,
                advice.remedy,
                advice.layer,
                advice.level,
                event="advice",
                rule=advice.rule,
            )
        return advice_rows


def _row(advice: Advice) -> dict[str, str]:
    return {"layer": advice.layer, "rule": advice.rule, "text": advice.line}


def _record(snapshots: list[HealthSnapshot], advice: list[dict[str, str]]) -> MetaRecord:
    layers = {}
    for snapshot in snapshots:
        numbers = {name: six_digits(value) for name, value in snapshot.found.numbers.items()}
        layers[snapshot.layer] = {
            **numbers,
            "channels": snapshot.channels,
            "dead": int(numbers["dead"]),
        }
    meta = {
        "kind": "health",
        "layers": layers,
        "media": "table",
        "columns": list(CHANNEL_COLUMNS),
        "rows": [snapshot.channels for snapshot in snapshots],
        **({"advice": advice} if advice else {}),
    }
    tables = [np.ascontiguousarray(snapshot.found.table, "<f4").tobytes() for snapshot in snapshots]
    return MetaRecord(meta, tables)
