"""The survey: one eager pass over a probe that tells what every layer of a model puts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.errors import TbvizError
from tbviz.taps import backends, targets
from tbviz.taps.paths import Node, walk
from tbviz.taps.randomness import random_states_kept
from tbviz.taps.tap import Tap, tapped


@dataclass(frozen=True)
class Output:
    """One output that can be tapped: a layer, or one call of a layer that is called more often.

    Attributes:
        key: its name: the layer's path, with `#0`, `#1` for the calls of a shared layer.
        node: the layer.
        call: number of the call.
        shape: shape of the first tensor it puts out, batch axis included.
        order: place in the order in which the model computes its outputs.
        channels_first: whether the channels stand before height and width.
    """

    key: str
    node: Node
    call: int
    shape: tuple[int, ...]
    order: int
    channels_first: bool = False

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width, `None` where the output is not a batch of feature maps."""
        if len(self.shape) != 4:
            return None
        first = 2 if self.channels_first else 1
        return self.shape[first], self.shape[first + 1]

    @property
    def channels(self) -> int:
        """How many channels it has (of any rank: the size of the channel axis)."""
        if len(self.shape) == 4 and self.channels_first:
            return self.shape[1]
        return self.shape[-1] if len(self.shape) > 1 else 1

    @property
    def spatial(self) -> bool:
        """Whether there is a map to look at: height and width above one pixel."""
        return self.size is not None and min(self.size) > 1


@dataclass(frozen=True)
class Survey:
    """What a model has to show.

    Attributes:
        nodes: its layers, as `walk` lists them.
        outputs: what was called, by key, in the order of computation.
        head: how class scores are read off it.
        unreachable: paths that a tap must not touch or that were not called, with the reason.
        draws: whether the model draws from Python's or numpy's random state when it predicts.
        last: paths of the layers whose output is the model's own.
    """

    nodes: list[Node]
    outputs: dict[str, Output]
    head: targets.Head
    unreachable: dict[str, str] = field(default_factory=dict)
    draws: bool = False
    last: frozenset[str] = frozenset()

    def of(self, path: str) -> list[Output]:
        """The outputs of one layer, a call each."""
        return [output for output in self.outputs.values() if output.node.path == path]


def survey(model: Any, inputs: Any) -> Survey:
    """Runs `model` once, eagerly and without a trace left, and notes every layer's output.

    Args:
        model: any built Keras model.
        inputs: a probe batch, in the structure that the model takes (numpy).

    Raises:
        TbvizError: the model has no variables yet.
    """
    if not model.built:
        msg = (
            f"model {model.name!r} is not built: its layers have no weights yet; call it on a "
            "batch, `build` it, or fit it first"
        )
        raise TbvizError(msg)
    nodes = walk(model)
    holders = {node.path: node for node in nodes}
    unreachable = {node.path: _CELL for node in nodes if _in_a_cell(node, holders, model)}
    reachable = [node for node in nodes if node.path not in unreachable]
    backend = backends.current()
    with random_states_kept() as moved:
        try:
            seen = _Pass(reachable)
            values, scores = backend.eagerly(seen.look, model, inputs)
        except Exception:  # what cannot run eagerly may run compiled: channels first on a CPU
            seen = _Pass(reachable)
            values, scores = backend.compiled(seen.look, model)(inputs)
        head = targets.head_of(model, np.asarray(values), np.asarray(scores), seen.activation)
        called = seen.counts()
        if any(
            count > 1 and not _is_a_frame(holders[path], holders) for path, count in called.items()
        ):
            # Called twice, or in a loop, which unlike this pass a compiled look must leave alone.
            traced = _Pass(reachable)
            backend.compiled(traced.look, model)(inputs)
            unreachable.update(traced.unreachable)
        draws = moved()
    unreachable.update(seen.unreachable)
    unreachable.update(
        (node.path, "the model does not call it when it predicts")
        for node in reachable
        if node.path not in called and node.path not in unreachable
    )
    outputs: dict[str, Output] = {}
    first = keras.config.image_data_format() == "channels_first"
    for order, (path, call, shape) in enumerate(seen.calls):
        node = holders[path]
        # An activation or an addition has its channels where the last convolution has them.
        own = getattr(node.layer, "data_format", None)
        first = own == "channels_first" if own is not None else first
        if path in unreachable:
            continue
        key = path
        if _is_a_frame(node, holders):
            if call:  # its frames are one series; the first frame stands for them
                continue
        elif called[path] > 1:
            key = f"{path}#{call}"
        outputs[key] = Output(key, node, call, shape, order, first)
    return Survey(nodes, outputs, head, unreachable, draws, frozenset(seen.last))


_CELL = "it is the cell of a recurrent layer and runs in its loop"


class _Pass:
    """One pass over a model, and what was seen on it."""

    def __init__(self, nodes: list[Node]) -> None:
        self._nodes = nodes
        self.calls: list[tuple[str, int, tuple[int, ...]]] = []
        self.activation: targets.Noted | None = None
        self.unreachable: dict[str, str] = {}
        self.last: set[str] = set()
        self._tensors: list[Any] = []

    def look(self, model: Any, inputs: Any) -> Any:
        """The model's first output, and the input of its last activation."""
        noted: list[targets.Noted] = []
        layers = tapped((node.path, node.layer) for node in self._nodes)
        with Tap(layers, self._touch, model, activations=noted.append) as tap:
            output = targets.first_output(model(inputs, training=False))
        self.unreachable = tap.unreachable
        pairs = zip(self.calls, self._tensors, strict=True)
        self.last = {path for (path, _, _), tensor in pairs if tensor is output}
        self._tensors.clear()  # those of a trace must not outlive it
        found = targets.last_activation(output, noted)
        if found is None:
            return output, output
        # Without its tensors: those of a trace must not outlive it.
        self.activation = found._replace(value=None, output=None)
        return output, found.value

    def counts(self) -> dict[str, int]:
        """How often each path was called."""
        called: dict[str, int] = {}
        for path, _, _ in self.calls:
            called[path] = called.get(path, 0) + 1
        return called

    def _touch(self, path: str, call: int, output: Any) -> Any:
        first = first_tensor(output)
        if first is not None:
            self.calls.append((path, call, tuple(int(size or 0) for size in first.shape)))
            self._tensors.append(first)
        return output


def _in_a_cell(node: Node, holders: dict[str, Node], model: Any) -> bool:
    while node.parent is not None:
        node = holders[node.parent]
        if isinstance(node.layer, keras.layers.RNN):
            return True
    return isinstance(model, keras.layers.RNN)


def _is_a_frame(node: Node, holders: dict[str, Node]) -> bool:
    """Whether a layer is called once a frame: it is inside a `TimeDistributed`."""
    while node.parent is not None:
        node = holders[node.parent]
        if isinstance(node.layer, keras.layers.TimeDistributed):
            return True
    return False


def first_tensor(output: Any) -> Any | None:
    """The first tensor of a layer's output, whatever structure that has."""
    leaves = [leaf for leaf in keras.tree.flatten(output) if hasattr(leaf, "shape")]
    return leaves[0] if leaves else None


def as_maps(output: Output, value: Any) -> Any:
    """A layer's output as float32, feature maps with their channels at the end."""
    value = ops.cast(value, "float32")
    if len(output.shape) == 4 and output.channels_first:
        value = ops.transpose(value, (0, 2, 3, 1))
    return value
