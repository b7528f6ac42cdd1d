"""Targets: the number that is explained, taken before softmax or sigmoid.

After softmax the gradient of a confident class is a few thousandths of the score's and its map
fades. So the score is the recorded input of the activation whose output *is* the model's output;
neither model nor weights are changed or cloned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from keras import ops

Noted = tuple[str, Any, Any]
"""Name, input and output of a softmax or sigmoid that ran."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Head:
    """How class scores and probabilities are read off a model's (first) output.

    Attributes:
        kind: `"softmax"`, `"sigmoid"` (several independent labels), `"binary"` (one sigmoid
            unit), `"distribution"` (probabilities, but where they come from was not found),
            or `"linear"` (scores or a regression).
        logits: whether the model's output itself is the score before softmax or sigmoid.
        classes: how many classes a target can choose from.
        target: what is differentiated, in words for a caption.
    """

    kind: str
    logits: bool
    classes: int
    target: str


def first_output(outputs: Any) -> Any:
    """The output that is explained where a model has several: the first."""
    return keras.tree.flatten(outputs)[0]


def activation_before(output: Any, noted: list[Noted]) -> tuple[str | None, Any]:
    """The activation whose output is the model's, and its input; else `None` and the output.

    All but that one are dropped from `noted`, so that `named_activation` can tell later.
    """
    for name, value, result in noted:
        if result is output:
            noted[:] = [(name, value, result)]
            return name, value
    noted.clear()
    return None, output


def named_activation(noted: list[Noted]) -> str | None:
    """The name that `activation_before` found."""
    return noted[0][0] if noted else None


def head_of(model: Any, output: Floats, scores: Floats, activation: str | None) -> Head:
    """Decides once, on the probe, what the model's output means.

    Args:
        model: asked for its compiled loss (`from_logits`).
        output: the model's first output on the probe.
        scores: the input of its last activation, or the output again.
        activation: `"softmax"`, `"sigmoid"` or `None`.
    """
    units = int(scores.shape[-1]) if scores.ndim > 1 else 1
    loss = getattr(model, "loss", None)
    from_logits = bool(getattr(loss, "from_logits", False))
    binary_loss = "Binary" in type(loss).__name__
    if activation == "softmax":
        return Head("softmax", False, units, "score before softmax")
    if activation == "sigmoid":
        kind, classes = ("binary", 2) if units == 1 else ("sigmoid", units)
        return Head(kind, False, classes, "score before sigmoid")
    if from_logits:
        if units == 1:
            return Head("binary", True, 2, "score")
        return Head("sigmoid" if binary_loss else "softmax", True, units, "score")
    values = np.asarray(output, dtype=np.float64)
    if (
        units > 1
        and np.all(np.isfinite(values))
        and np.all(values >= 0)
        and np.all(np.abs(values.sum(-1) - 1) <= 1e-3)
    ):
        # log p alone is as faint as p; centred it equals the centred score.
        return Head("distribution", False, units, "log p minus the mean of log p")
    return Head("linear", False, units, "output")


def class_scores(head: Head, output: Any, before: Any) -> Any:
    """Scores `(batch, classes)` as tensors, in the middle of a look.

    Args:
        head: what `head_of` decided.
        output: the model's output.
        before: the input of its last activation (the output where there is none).
    """
    values = ops.cast(output if head.logits else before, "float32")
    if head.kind == "distribution":
        logs = ops.log(ops.maximum(ops.cast(output, "float32"), 1e-30))
        values = logs - ops.mean(logs, axis=-1, keepdims=True)
    if len(values.shape) == 1:
        values = ops.expand_dims(values, -1)
    while len(values.shape) > 2:  # a target a pixel: the mean over the picture
        values = ops.mean(values, axis=1)
    if head.kind == "binary":
        values = ops.concatenate([-values, values], axis=-1)
    return values


def probabilities(head: Head, output: Floats) -> Floats | None:
    """Probabilities `(batch, classes)` from the model's output, `None` where there are none."""
    values = np.asarray(output, dtype=np.float64)
    if values.ndim == 1:
        values = values[:, None]
    if head.logits:
        with np.errstate(over="ignore", invalid="ignore"):
            if head.kind == "softmax":
                values = np.exp(values - values.max(-1, keepdims=True))
                values = values / values.sum(-1, keepdims=True)
            else:
                values = 1 / (1 + np.exp(-values))
    while values.ndim > 2:
        values = values.mean(axis=1)
    if head.kind == "linear":
        return None
    if head.kind == "binary":
        values = np.concatenate([1 - values, values], axis=-1)
    return values.astype(np.float32)
