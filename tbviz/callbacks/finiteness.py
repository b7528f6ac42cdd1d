"""Finiteness: report which weights and metrics of a `fit` are not finite, and since when."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from tbviz.callbacks.pictures import ColorPicture, GrayPicture
from tbviz.callbacks.run_log import RunLog
from tbviz.methods.advice import Advice
from tbviz.store.schema import Position
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
    "logarithm or a division by zero in the loss"
)

# Pictures whose captions already report it, or that do not depend on weights.
_WITHOUT_CAVEAT = ("cam", "saliency", "maximization", "classes", "augmentation", "kernels")


@dataclass(frozen=True)
class _Onset:
    """The position at which weights were first found not to be finite.

    Attributes:
        code: which kind, see `KINDS`.
        position: the first position with the fault.
        last_finite: the last position without it, `None` if there was no check before.
    """

    code: int
    position: Position
    last_finite: Position | None

    @property
    def exact(self) -> bool:
        """Whether every epoch before the position was checked."""
        before = -1 if self.last_finite is None else self.last_finite.epoch
        return before >= self.position.epoch - 1

    @property
    def became_text(self) -> str:
        """Describe the event, such as `became NaN at epoch 4`."""
        kind = FAULT_NAMES[self.code]
        if self.exact:
            return f"became {kind} at {_in_words(self.position)}"
        if self.last_finite is None:
            return f"were {kind} by {_in_words(self.position)}"
        return f"became {kind} between {_in_words(self.last_finite)} and {_in_words(self.position)}"

    @property
    def since_text(self) -> str:
        """Describe the state, such as `are NaN since epoch 4`."""
        late = "" if self.exact else " at the latest"
        return f"are {FAULT_NAMES[self.code]} since {_in_words(self.position)}{late}"


class FinitenessLog:
    """The weights and metrics that are not finite at the current position, and since when.

    Args:
        run_log: gets a notice about each new fault.

    Attributes:
        faults: the weights that are not finite.
    """

    def __init__(self, run_log: RunLog) -> None:
        self.faults = WeightFaults()
        self._run_log = run_log
        self._layers: dict[str, _Onset] = {}
        self._metrics: dict[str, int] = {}
        self._last_checked: Position | None = None

    def update(self, faults: WeightFaults, position: Position) -> None:
        """Record the result of a check of the weights at a position."""
        self.faults = faults
        now = faults.layers()
        previous = self._layers
        self._layers = {
            path: previous[path]
            if path in previous and previous[path].code == code
            else _Onset(code, position, self._last_checked)
            for path, code in now.items()
        }
        self._last_checked = position
        for advice in self.advice():
            first = self._layers[advice.layer]
            self._run_log.notice(
                "tbviz",
                advice.text,
                advice.remedy,
                advice.layer or None,
                advice.level,
                event="weights_not_finite",
                rule=RULE,
                detail=[FAULT_NAMES[first.code]],
            )

    def advice(self) -> list[Advice]:
        """Return one line about the layer whose weights were the first not to be finite."""
        if not self._layers:
            return []
        order = {path: row for row, path in enumerate(self._layers)}
        first = min(
            self._layers,
            key=lambda path: (
                self._layers[path].position.epoch,
                self._layers[path].position.batch or math.inf,
                order[path],
            ),
        )
        onset = self._layers[first]
        together = sum(one == onset for one in self._layers.values())
        later = len(self._layers) - together
        text = f"Weights of {describe_layers(first, together - 1)} {onset.became_text}"
        if later:
            text += f", those of {later} more layer{'s' if later > 1 else ''} at another position"
        return [Advice(first, RULE, text, _REMEDY, "warning")]

    def cause(self, reads: int) -> str | None:
        """Explain why what depends on these weights is not finite; `None` if they are finite.

        Args:
            reads: a set of weights, see `WeightFaults`.
        """
        not_finite = self.faults.layers(reads)
        if not not_finite:
            return None
        first = next(iter(not_finite))
        return f"the weights of {describe_layers(first)} {self._layers[first].since_text}"

    def caveat(self, picture: GrayPicture | ColorPicture, known: ModelOutputs) -> str | None:
        """Return a caveat for a picture that depends on non-finite weights, or `None`."""
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

    def check_metrics(self, values: Mapping[str, float], position: Position) -> None:
        """Report once which metrics are no longer finite."""
        codes = {name: _code(value) for name, value in values.items()}
        for code, kind in FAULT_NAMES.items():
            names = [
                name
                for name, one in codes.items()
                if one == code and self._metrics.get(name) != code
            ]
            if not names:
                continue
            loss = any("loss" in name for name in names)
            self._run_log.notice(
                "tbviz",
                f"{' and '.join(names)} became {kind} at {_in_words(position)}",
                _REMEDY if loss else None,
                level="warning" if loss else "info",
                event="metrics_not_finite",
                detail=[kind, *names],
            )
        self._metrics |= codes


def _code(value: float) -> int:
    return NAN if math.isnan(value) else INFINITE if math.isinf(value) else 0


def _in_words(position: Position) -> str:
    if position.batch is not None:
        return f"epoch {position.epoch}, batch {position.batch}"
    return f"the end of epoch {position.epoch}" if position.final else f"epoch {position.epoch}"
