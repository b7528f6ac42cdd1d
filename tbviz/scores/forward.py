"""One tapped forward pass: the model's output, and its class scores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tbviz.scores import output_head
from tbviz.taps import keras_private
from tbviz.taps.outputs import Output
from tbviz.taps.tap import Tap, tapped

# A power of two, so that multiplying and dividing are exact. Unscaled, the gradients of the early
# layers of a float16 network are below the smallest float16 (all zeros in MobileNetV2).
_HALF_PRECISION_SCALE = 2.0**12


def with_scores(
    model: Any,
    inputs: Any,
    head: output_head.OutputHead,
    outputs: Sequence[Output] = (),
    on_output: Callable[[str, int, Any], Any] | None = None,
    *,
    guided: bool = False,
) -> tuple[Any, Any]:
    """Return the model's first output and its class scores, as tensors inside a pass.

    Args:
        model: called once.
        inputs: tensors in its structure.
        head: how scores are read off its output.
        outputs: their layers are tapped.
        on_output: see `Tap`.
        guided: see `Tap`.
    """
    activations: list[output_head.RecordedActivation] = []
    layers = tapped((output.node.path, output.node.layer) for output in outputs)
    record = activations.append
    with Tap(layers, on_output or _unchanged, model, on_activation=record, guided=guided):
        values = output_head.first_output(model(inputs, training=False))
    found = output_head.last_activation(values, activations)
    return values, output_head.class_scores(head, values, found)


def _unchanged(path: str, call: int, value: Any) -> Any:
    del path, call
    return value


def gradient_scale(model: Any) -> float:
    """Return the factor of a score before its gradient is taken, which is divided by it."""
    in_half = any(
        getattr(layer, "compute_dtype", None) == "float16"
        for layer in keras_private.all_layers(model)
    )
    return _HALF_PRECISION_SCALE if in_half else 1.0
