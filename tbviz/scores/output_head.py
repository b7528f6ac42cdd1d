"""Read class scores, before softmax or sigmoid, off a model's output: the output head.

After softmax, the gradient of a confident class is a few thousandths of that of the score, and its
map fades. So the score is the recorded input of the activation whose output is the model's output.
Neither the model nor its weights are changed or cloned.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats
from tbviz.taps.tap import RecordedActivation, Tap, last_activation, tapped

if TYPE_CHECKING:
    from tbviz.taps.final_outputs import OutputName
    from tbviz.taps.model_outputs import ModelOutputs
    from tbviz.taps.outputs import Output

# A probability below this counts as lost to rounding, and its logarithm as meaningless.
_MIN = 1e-30


@dataclass(frozen=True)
class OutputHead:
    """How class scores and probabilities are read off an output of a model.

    Attributes:
        kind: `"softmax"`, `"sigmoid"` (several independent labels), `"binary"` (one sigmoid
            unit), `"distribution"` (probabilities, but where they come from was not found),
            or `"linear"` (scores or a regression).
        logits: Whether the model's output itself is the score before softmax or sigmoid.
        classes: How many classes a target can choose from.
        target: What is differentiated, in words for a caption.
        axis: Of the classes in the output.
        output: Index of the output.
    """

    kind: str
    logits: bool
    classes: int
    target: str
    axis: int = -1
    output: int = 0


def head_of(model_outputs: ModelOutputs, output: OutputName | None = None) -> OutputHead:
    """Return how class scores are read off an output of the model.

    Args:
        model_outputs: The outputs of the model's layers.
        output: The output. Defaults to the first.

    Raises:
        TbvizError: If the model has no such output.
    """
    final = model_outputs.final_output(output)
    several = f" of output {final.label or final.index!r}" if final.index else ""

    def head(
        kind: str, target: str, classes: int, axis: int = -1, *, logits: bool = False
    ) -> OutputHead:
        return OutputHead(kind, logits, classes, f"{target}{several}", axis, final.index)

    activation = final.activation
    axis = activation.axis if activation is not None else -1
    units = int(final.shape[axis]) if len(final.shape) > 1 else 1
    if activation is not None and activation.name == "softmax":
        return head("softmax", "score before softmax", units, axis)
    if activation is not None:
        kind, classes = ("binary", 2) if units == 1 else ("sigmoid", units)
        return head(kind, "score before sigmoid", classes)
    if final.from_logits:
        if units == 1:
            return head("binary", "score", 2, logits=True)
        return head("sigmoid" if final.binary else "softmax", "score", units, logits=True)
    if final.normalized:
        return head("distribution", "log-odds against the other classes", units)
    return head("linear", "output", units)


def with_scores(
    model: Any,
    inputs: Any,
    head: OutputHead,
    outputs: Sequence[Output] = (),
    on_output: Callable[[str, int, Any], Any] | None = None,
    *,
    guided: bool = False,
) -> tuple[Any, Any]:
    """Return an output of the model and its class scores, as tensors inside one tapped pass.

    Args:
        model: The model, which is called once.
        inputs: Tensors in its structure.
        head: Which output, and how scores are read off it.
        outputs: Their layers are tapped. Defaults to none.
        on_output: See `Tap`. Defaults to None.
        guided: See `Tap`. Defaults to False.
    """
    activations: list[RecordedActivation] = []
    layers = tapped((output.node.path, output.node.layer) for output in outputs)
    recorded = activations.append
    with Tap(layers, on_output or _unchanged, model, on_activation=recorded, guided=guided):
        values = keras.tree.flatten(model(inputs, training=False))[head.output]
    return values, class_scores(head, values, last_activation(values, activations))


def _unchanged(path: str, call: int, value: Any) -> Any:
    del path, call
    return value


def class_scores(head: OutputHead, output: Any, activation: RecordedActivation | None) -> Any:
    """Return scores `(batch, classes)` as tensors inside a pass.

    Args:
        head: The result of `head_of`.
        output: The model's output.
        activation: The one that it came from, if it was found.
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
    """Return probabilities `(batch, classes)` from the output, None if there are none."""
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
