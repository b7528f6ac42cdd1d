"""Finiteness: report which weights and metrics of a `fit` are not finite, and since when."""

from __future__ import annotations

import math
from collections.abc import Mapping

from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.onset import Check, Onset, in_words
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run.repetitions import Repetitions
from tbviz.methods.layer_health.advice import Advice
from tbviz.store.format.events import Event
from tbviz.store.format.schema import FitPosition
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.weight_finiteness import (
    FAULT_NAMES,
    INFINITE,
    NAN,
    WeightFaults,
    describe_layers,
)

RULE = "weights-nonfinite"
"""What the store calls the advice."""

_REMEDY = (
    "lower the learning rate, clip gradients (clipnorm=1), and look for NaN in the data and for a "
    "logarithm of zero or a division by zero in the loss"
)

# Pictures whose captions already report it, or that do not depend on weights.
_WITHOUT_CAVEAT = ("cam", "saliency", "maximization", "classes", "augmentation", "kernels")


class FinitenessLog:
    """The weights and metrics that are not finite at the current position, and since when.

    Args:
        log: Takes a notice about each new fault.

    Attributes:
        faults: The weights that are not finite.
    """

    def __init__(self, log: CallbackLog) -> None:
        self.faults = WeightFaults()
        self._log = log
        self._layers: dict[str, Onset] = {}
        self._metrics: dict[str, int] = {}
        self._last: Check | None = None
        self._onsets = Repetitions()
        self._recoveries = Repetitions()
        self._metric_onsets = Repetitions()

    def update(self, faults: WeightFaults, position: FitPosition, step: int | None = None) -> None:
        """Record the result of a check of the weights.

        Args:
            faults: What the check has found.
            position: The position of the check.
            step: Optimizer steps of the `fit` so far. Defaults to those of the position.
        """
        last, previous = self._last, self._layers
        number = 0 if last is None else last.number + 1
        check = Check(number, position, position.batch if step is None else step)
        self.faults, self._last = faults, check
        self._layers = {
            path: previous[path].go_on(code, check, last)
            if path in previous
            else Onset.at(code, check, last)
            for path, code in faults.layers().items()
        }
        new = {path: onset for path, onset in self._layers.items() if path not in previous}
        if new:
            self._report_onset(new, position)
        elif previous and not self._layers:
            self._report_recovery(position)

    def _report_onset(self, new: Mapping[str, Onset], position: FitPosition) -> None:
        reported = self._onsets.admit(new)
        if reported:
            [advice] = _advice({path: new[path] for path in reported})
            self._log.notice(
                advice.text,
                advice.remedy,
                advice.layer or None,
                advice.level,
                event="weights_not_finite",
                rule=RULE,
                detail=[FAULT_NAMES[new[advice.layer].now.code], *position],
            )
        if self._onsets.left_out:
            self._report_repetition("weights_not_finite", "weights", position)

    def _report_recovery(self, position: FitPosition) -> None:
        if self._recoveries.admit([""]):
            self._log.notice(
                f"all weights are finite again at {in_words(position)}",
                level="info",
                event="weights_finite_again",
                rule=RULE,
                detail=[*position],
            )

    def _report_repetition(self, event: Event, what: str, position: FitPosition) -> None:
        self._log.notice(
            f"{what} keep becoming NaN or infinite; repeats are no longer reported from "
            f"{in_words(position)} on",
            level="info",
            event=event,
            rule=RULE if event == "weights_not_finite" else None,
            detail=["goes on"],
        )

    def advice(self) -> list[Advice]:
        """Return one line about the layer whose weights were the first not to be finite."""
        return _advice(self._layers)

    def cause(self, reads: int) -> str | None:
        """Explain why what depends on these weights is not finite; None if they are finite.

        Args:
            reads: A set of weights, see `WeightFaults`.
        """
        not_finite = self.faults.layers(reads)
        if not not_finite:
            return None
        first = min(not_finite, key=lambda path: self._layers[path].number)
        return f"the weights of {describe_layers(first)} {self._layers[first].are}"

    def caveat(self, picture: GrayPicture | ColorPicture, known: ModelOutputs) -> str | None:
        """Return a caveat for a picture that depends on non-finite weights, or None."""
        family = picture.kind.partition(":")[0]
        if not self.faults or family in _WITHOUT_CAVEAT:
            return None
        layout = picture.layout
        stacks = [path for stack in layout.get("stacks", ()) for path in stack]
        shown = [picture.layer] if picture.layer else [*layout.get("column_layers", ()), *stacks]
        reads = 0
        for path in shown:
            reads |= known.reads.get(path, 0)
        return self.cause(reads)

    def check_metrics(self, values: Mapping[str, float], position: FitPosition) -> None:
        """Report which metrics are no longer finite."""
        codes = {name: _code(value) for name, value in values.items()}
        new = [name for name, code in codes.items() if code and code != self._metrics.get(name)]
        self._metrics |= codes
        reported = self._metric_onsets.admit(new)
        for code, kind in FAULT_NAMES.items():
            names = [name for name in reported if codes[name] == code]
            if not names:
                continue
            loss = any("loss" in name for name in names)
            self._log.notice(
                f"{' and '.join(names)} became {kind} at {in_words(position)}",
                _REMEDY if loss else None,
                level="warning" if loss else "info",
                event="metrics_not_finite",
                detail=[kind, *names, *position],
            )
        if self._metric_onsets.left_out:
            self._report_repetition("metrics_not_finite", "metrics", position)


def _advice(layers: Mapping[str, Onset]) -> list[Advice]:
    """Return one line about the layer with the earliest onset, and how many others there are."""
    if not layers:
        return []
    first = min(layers, key=lambda path: layers[path].number)  # the model's order if equal
    onset = layers[first]
    same = [path for path, one in layers.items() if one == onset]
    beside = [path for path, one in layers.items() if one != onset and one.number == onset.number]
    later = [path for path, one in layers.items() if one.number > onset.number]
    later.sort(key=lambda path: layers[path].number)
    text = f"Weights of {describe_layers(first, len(same) - 1)} {onset.became}"
    if beside:
        kind = FAULT_NAMES[layers[beside[0]].now.code]
        kinds = {layers[path].now.code for path in beside}
        what = kind if len(kinds) == 1 else "not finite"
        text += f", those of {describe_layers(beside[0], len(beside) - 1)} {what} as well"
    if later:
        text += f", those of {describe_layers(later[0], len(later) - 1)} later"
    return [Advice(first, RULE, text, _REMEDY, "warning")]


def _code(value: float) -> int:
    return NAN if math.isnan(value) else INFINITE if math.isinf(value) else 0
