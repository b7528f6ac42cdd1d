"""Breakage: since when which weights and metrics of a `fit` are not finite, said once."""

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

# Pictures that say it themselves, or that no weights go into.
_TOLD_ELSEWHERE = ("cam", "saliency", "maximization", "classes", "augmentation", "kernels")


@dataclass(frozen=True)
class _Since:
    """When something was first found.

    Attributes:
        code: what was found.
        position: where.
        checked: where it was still well, `None` if it was never checked before.
    """

    code: int
    position: Position
    checked: Position | None

    @property
    def exact(self) -> bool:
        """Whether nothing was left unchecked in between."""
        before = -1 if self.checked is None else self.checked.epoch
        return before >= self.position.epoch - 1

    @property
    def became(self) -> str:
        """Such as `became NaN at epoch 4`."""
        kind = FAULT_NAMES[self.code]
        if self.exact:
            return f"became {kind} at {_in_words(self.position)}"
        if self.checked is None:
            return f"were {kind} by {_in_words(self.position)}"
        return f"became {kind} between {_in_words(self.checked)} and {_in_words(self.position)}"

    @property
    def are(self) -> str:
        """Such as `are NaN since epoch 4`."""
        late = "" if self.exact else " at the latest"
        return f"are {FAULT_NAMES[self.code]} since {_in_words(self.position)}{late}"


class Breakage:
    """What of a model is not finite at the position that is being logged, and since when.

    Args:
        run_log: gets a notice when it begins.

    Attributes:
        faults: which weights.
    """

    def __init__(self, run_log: RunLog) -> None:
        self.faults = WeightFaults()
        self._run_log = run_log
        self._layers: dict[str, _Since] = {}
        self._metrics: dict[str, int] = {}
        self._checked: Position | None = None

    def update(self, faults: WeightFaults, position: Position) -> None:
        """Takes what a check of the weights has found at a position."""
        self.faults = faults
        now = faults.layers()
        former = self._layers
        self._layers = {
            path: former[path]
            if path in former and former[path].code == code
            else _Since(code, position, self._checked)
            for path, code in now.items()
        }
        self._checked = position
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
        """One line about the weights, of the layer that was the first to break."""
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
        since = self._layers[first]
        merged = sum(one == since for one in self._layers.values())
        later = len(self._layers) - merged
        text = f"Weights of {describe_layers(first, merged - 1)} {since.became}"
        if later:
            text += f", those of {later} more layer{'s' if later > 1 else ''} at another position"
        return [Advice(first, RULE, text, _REMEDY, "warning")]

    def cause(self, reads: int) -> str | None:
        """Why what depends on these weights is not finite, in words; `None` if they are well.

        Args:
            reads: a set of weights, see `WeightFaults`.
        """
        broken = self.faults.layers(reads)
        if not broken:
            return None
        first = next(iter(broken))
        return f"the weights of {describe_layers(first)} {self._layers[first].are}"

    def caveat(self, picture: GrayPicture | ColorPicture, known: ModelOutputs) -> str | None:
        """What a picture has to say of weights that are not finite, `None` for nothing."""
        family = picture.kind.partition(":")[0]
        if not self.faults or family in _TOLD_ELSEWHERE:
            return None
        layout = picture.layout
        stacks = [path for stack in layout.get("stacks", ()) for path in stack]
        shown = [picture.layer] if picture.layer else [*layout.get("column_layers", ()), *stacks]
        reads = 0
        for path in shown:
            reads |= known.reads.get(path, 0)
        return self.cause(reads)

    def metrics(self, values: Mapping[str, float], position: Position) -> None:
        """Says once which metrics are not finite any more."""
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
