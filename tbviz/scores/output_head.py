"""The output head: how class scores, before softmax or sigmoid, are read off a model's output.

After softmax the gradient of a confident class is a few thousandths of the score's, and its map
fades. So the score is the recorded input of the activation whose output *is* the model's output;
neither model nor weights are changed or cloned.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats

# A probability below this counts as lost to rounding, and its logarithm as meaningless.
_MIN = 1e-30


class RecordedActivation(NamedTuple):
    """A softmax or sigmoid that ran.

    Attributes:
        name: `"softmax"` or `"sigmoid"`.
        value: its input.
        output: its output.
        axis: over which the softmax sums.
    """

    name: str
    value: Any
    output: Any
    axis: int = -1


@dataclass(frozen=True)
class OutputHead:
    """How class scores and probabilities are read off a model's (first) output.

    Attributes:
        kind: `"softmax"`, `"sigmoid"` (several independent labels), `"binary"` (one sigmoid
            unit), `"distribution"` (probabilities, but where they come from was not found),
            or `"linear"` (scores or a regression).
        logits: whether the model's output itself is the score before softmax or sigmoid.
        classes: how many classes a target can choose from.
        target: what is differentiated, in words for a caption.
        axis: of the classes in the output.
    """

    kind: str
    logits: bool
    classes: int
    target: str
    axis: int = -1


def first_output(outputs: Any) -> Any:
    """Return the output that is explained if a model has several: the first."""
    return keras.tree.flatten(outputs)[0]


def last_activation(
    output: Any, activations: list[RecordedActivation]
) -> RecordedActivation | None:
    """Return the activation whose output is the model's, `None` if there is none."""
    return next((one for one in activations if one.output is output), None)


def first_name(outputs: Any) -> str | None:
    """Return the key of the explained output if they are a dict: the first by alphabet."""
    return min(outputs) if isinstance(outputs, dict) and outputs else None


def loss_meanings(model: Any) -> tuple[tuple[Any, bool, bool], ...]:
    """Return for each loss of a compiled model its output, `from_logits`, and whether it is binary.

    The output is a name or a number, `None` for a loss of all outputs.
    """
    given = getattr(model, "loss", None)
    if isinstance(given, dict):
        losses = list(given.items())
    elif isinstance(given, list | tuple):
        losses = list(enumerate(given))
    else:
        losses = [(None, given)]
    found = []
    for name, loss in losses:
        first = next((part for part in keras.tree.flatten(loss) if part is not None), None)
        from_logits = bool(getattr(first, "from_logits", False))
        found.append((name, from_logits, "Binary" in type(first).__name__))
    return tuple(found)


def _loss_meaning(model: Any, name: str | None) -> tuple[bool, bool]:
    """Return `from_logits` and binary of the loss of the first output."""
    known = getattr(model, "output_names", None) or [None]
    for candidate in (None, name, known[0], 0):
        for key, from_logits, binary in loss_meanings(model):
            if key == candidate:
                return from_logits, binary
    return False, False


def head_of(
    model: Any,
    shape: tuple[int, ...],
    activation: RecordedActivation | None,
    output: Callable[[], Floats],
    name: str | None = None,
) -> OutputHead:
    """Determine once, on the probe batch, what the model's output means.

    Args:
        model: its compiled loss (`from_logits`) is read.
        shape: of the input of its last activation, or of the output.
        activation: that activation, if it was found.
        output: computes the model's first output, called if nothing else decides.
        name: its key, if the outputs are a dict.
    """
    axis = activation.axis if activation is not None else -1
    units = int(shape[axis]) if len(shape) > 1 else 1
    if activation is not None and activation.name == "softmax":
        return OutputHead("softmax", False, units, "score before softmax", axis)
    if activation is not None:
        kind, classes = ("binary", 2) if units == 1 else ("sigmoid", units)
        return OutputHead(kind, False, classes, "score before sigmoid")
    from_logits, binary = _loss_meaning(model, name)
    if from_logits:
        if units == 1:
            return OutputHead("binary", True, 2, "score")
        return OutputHead("sigmoid" if binary else "softmax", True, units, "score")
    if units > 1 and _is_distribution(output()):
        return OutputHead("distribution", False, units, "log-odds against the other classes")
    return OutputHead("linear", False, units, "output")


def _is_distribution(output: Floats) -> bool:
    values = np.asarray(output, dtype=np.float64)
    return bool(
        np.all(np.isfinite(values))
        and np.all(values >= 0)
        and np.all(np.abs(values.sum(-1) - 1) <= 1e-3)
    )


def class_scores(head: OutputHead, output: Any, activation: RecordedActivation | None) -> Any:
    """Return scores `(batch, classes)` as tensors inside a pass.

    Args:
        head: the result of `head_of`.
        output: the model's output.
        activation: the one that it came from, if it was found.
    """
    before = output if head.logits or activation is None else activation.value
    values = ops.cast(before, "float32")
    if head.kind == "distribution":
        values = _log_odds(values)
    if len(values.shape) == 1:
        values = ops.expand_dims(values, -1)
    values = ops.moveaxis(values, head.axis, -1)
    if len(values.shape) > 2:  # one target per pixel: the mean over the picture
        values = ops.mean(values, axis=tuple(range(1, len(values.shape) - 1)))
    if head.kind == "binary":
        values = ops.concatenate([-values, values], axis=-1)
    return values


def _log_odds(probabilities: Any) -> Any:
    """Return log p minus the mean of log p: the score before softmax minus its mean.

    log p alone is as faint as p. If a probability was lost to rounding, the mean is meaningless;
    then it is log p minus that of the strongest other class.
    """
    logs = ops.log(ops.maximum(probabilities, _MIN))
    mean = ops.mean(logs, axis=-1, keepdims=True)
    strongest, second = ops.split(ops.top_k(logs, 2)[0], 2, axis=-1)
    other = ops.where(logs >= strongest, second, strongest)
    whole = ops.min(probabilities, axis=-1, keepdims=True) > _MIN
    return logs - ops.where(whole, mean, other)


def probabilities(head: OutputHead, output: Floats) -> Floats | None:
    """Return probabilities `(batch, classes)` from the output, `None` if there are none."""
    if head.kind == "linear":
        return None
    values = np.asarray(output, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    values = np.moveaxis(values, head.axis, -1)
    if head.logits:
        with np.errstate(over="ignore", invalid="ignore"):
            if head.kind == "softmax":
                values = np.exp(values - values.max(-1, keepdims=True))
                values = values / values.sum(-1, keepdims=True)
            else:
                values = 1 / (1 + np.exp(-values))
    if values.ndim > 2:
        values = values.mean(axis=tuple(range(1, values.ndim - 1)))
    if head.kind == "binary":
        values = np.concatenate([1 - values, values], axis=-1)
    return values.astype(np.float32)
