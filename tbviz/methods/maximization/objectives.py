"""Score a batch of images: the objectives that the ascent maximizes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.arrays.types import Bools
from tbviz.scores.output_head import OutputHead, with_scores
from tbviz.taps import backends
from tbviz.taps.outputs import Output, as_maps, first_tensor
from tbviz.taps.select import is_activation
from tbviz.taps.tap import StopForwardPass, Tap, unreachable_error

if TYPE_CHECKING:
    from tbviz.taps.inspector import ModelInspector
    from tbviz.taps.model_outputs import ModelOutputs


_LEAK = 0.1

_ACTIVATIONS = {name.replace("_", "") for name in dir(keras.activations)}


class Response(NamedTuple):
    """The response of a model to a batch of images.

    Attributes:
        scores: `(images,)`.
        features: `(images, points, channels)`, the output of a layer, to compare the images;
            None if no layer is recorded.
        output: The model's output, None if it did not run to the end.
    """

    scores: Any
    features: Any = None
    output: Any = None


class Objective(Protocol):
    """A score to maximize. It is hashable; equal objectives can share a compiled ascent."""

    @property
    def name(self) -> str:
        """Return the name in messages."""

    def reads(self, model_outputs: ModelOutputs) -> int:
        """Return the set of weights that it depends on."""

    def faulty(
        self, inspector: ModelInspector, model_outputs: ModelOutputs, indices: Sequence[int]
    ) -> Bools:
        """Return which channels or classes depend on faulty weights, `(indices,)`."""

    def __call__(self, model: Any, images: Any, indices: Any) -> Response:
        """Compute how strongly image `i` activates `indices[i]`.

        Args:
            model: Called once, inside a pass.
            images: As the model takes them.
            indices: A channel or a class per image.
        """


@dataclass(frozen=True)
class ChannelMean:
    """The mean response of one channel of a layer.

    If the layer ends in an activation, or is one, the response is the input of the activation:
    after a ReLU, an inactive channel has no slope and would stay blank. Negative responses count a
    tenth; otherwise the mean of a linear filter would depend on the mean color alone. The middle of
    a map counts most and its border counts 0, since padding with zeros draws frames there.

    Attributes:
        output: The layer.
    """

    output: Output

    @property
    def name(self) -> str:
        """See `Objective.name`."""
        return f"layer {self.output.key!r}"

    def reads(self, model_outputs: ModelOutputs) -> int:
        """See `Objective.reads`."""
        return model_outputs.reads.get(self.output.key, 0)

    def faulty(
        self, inspector: ModelInspector, model_outputs: ModelOutputs, indices: Sequence[int]
    ) -> Bools:
        """See `Objective.faulty`."""
        return inspector.faulty_channels(self.output, model_outputs)[list(indices)]

    def __call__(self, model: Any, images: Any, indices: Any) -> Response:
        """See `Objective.__call__`; `indices` are channels."""
        maps = self._maps(model, images)
        flat = ops.reshape(maps, (maps.shape[0], -1, maps.shape[-1]))
        # By index: a product with zeros would carry one channel's NaN into all.
        index = ops.reshape(ops.cast(indices, "int32"), (-1, 1, 1))
        index = ops.broadcast_to(index, (*flat.shape[:2], 1))
        own = ops.reshape(ops.take_along_axis(flat, index, axis=-1), maps.shape[:-1])
        own = ops.maximum(own, _LEAK * own)
        if len(own.shape) == 3:
            own = own * ops.convert_to_tensor(window(int(own.shape[1]), int(own.shape[2])))
        return Response(ops.mean(ops.reshape(own, (own.shape[0], -1)), axis=1), flat)

    def _maps(self, model: Any, images: Any) -> Any:
        output = self.output
        seen: dict[str, Any] = {}

        def on_output(path: str, call: int, value: Any) -> Any:
            del path
            if call != output.call:
                return value
            seen.setdefault("value", first_tensor(value))
            raise StopForwardPass  # later layers need not run

        def on_input(path: str, call: int, value: Any) -> None:
            del path
            if call == output.call and tuple(value.shape[1:]) == output.shape[1:]:
                seen["value"] = backends.current().detached(value)

        own = getattr(output.node.layer, "activation", None)
        is_itself = is_activation(output) and output.node.kind.lower() in _ACTIVATIONS
        nonlinear = is_itself or own not in (None, keras.activations.linear)
        layers = {output.node.path: output.node.layer}
        with (
            contextlib.suppress(StopForwardPass),
            Tap(layers, on_output, model, on_input=on_input if nonlinear else None),
        ):
            model(images, training=False)
        if "value" not in seen:
            raise unreachable_error(output.key)
        return as_maps(output, seen["value"])


@dataclass(frozen=True)
class ClassScore:
    """The score of a class before softmax or sigmoid (Simonyan et al. 2014, equation 1).

    See https://arxiv.org/abs/1312.6034. A probability could be raised by lowering that of the other
    classes alone.

    Attributes:
        head: How scores are read off the model's output.
        features: The layer that compares images of a class, None for one image per class.
    """

    head: OutputHead
    features: Output | None = None

    @property
    def name(self) -> str:
        """See `Objective.name`."""
        return "the model's output"

    def reads(self, model_outputs: ModelOutputs) -> int:
        """See `Objective.reads`."""
        return model_outputs.final_output(self.head.output).reads

    def faulty(
        self, inspector: ModelInspector, model_outputs: ModelOutputs, indices: Sequence[int]
    ) -> Bools:
        """See `Objective.faulty`."""
        return np.full(len(indices), bool(inspector.faults.mask & self.reads(model_outputs)))

    def __call__(self, model: Any, images: Any, indices: Any) -> Response:
        """See `Objective.__call__`; `indices` are classes."""
        seen: list[Any] = []

        def on_output(path: str, call: int, value: Any) -> Any:
            del path
            if self.features is not None and call == self.features.call:
                seen.append(
                    as_maps(self.features, backends.current().detached(first_tensor(value)))
                )
            return value

        outputs = [] if self.features is None else [self.features]
        values, scores = with_scores(model, images, self.head, outputs, on_output)
        index = ops.reshape(ops.cast(indices, "int32"), (-1, 1))
        own = ops.take_along_axis(scores, index, axis=-1)[:, 0]
        shape = (seen[0].shape[0], -1, seen[0].shape[-1]) if seen else ()
        features = ops.reshape(seen[0], shape) if seen else None
        return Response(own, features, ops.cast(values, "float32"))


def window(height: int, width: int) -> npt.NDArray[np.float32]:
    """Return weights of a map's pixels, `(height, width)`: mean 1, 0 in the outermost sixteenth."""
    sides = []
    for side in (height, width):
        border = side // 16
        inner = side - 2 * border
        wave = np.sin(np.pi * (np.arange(inner) + 0.5) / inner)
        sides.append(np.pad(wave, border))
    weights = np.outer(*sides)
    return np.asarray(weights / weights.mean(), np.float32)
