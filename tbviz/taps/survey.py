"""The survey: one eager pass over a probe that tells what every layer of a model puts out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tbviz.taps import backends, targets
from tbviz.taps.paths import Node, walk
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
    """

    key: str
    node: Node
    call: int
    shape: tuple[int, ...]
    order: int

    @property
    def channels_first(self) -> bool:
        """Whether the channels stand before height and width."""
        own = getattr(self.node.layer, "data_format", None)
        return (own or keras.config.image_data_format()) == "channels_first"

    @property
    def size(self) -> tuple[int, int] | None:
        """Height and width, `None` where the output is not a batch of feature maps."""
        if len(self.shape) != 4:
            return None
        return self.shape[2:4] if self.channels_first else self.shape[1:3]

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
    """

    nodes: list[Node]
    outputs: dict[str, Output]
    head: targets.Head
    unreachable: dict[str, str] = field(default_factory=dict)

    def of(self, path: str) -> list[Output]:
        """The outputs of one layer, a call each."""
        return [output for output in self.outputs.values() if output.node.path == path]


def survey(model: Any, inputs: Any) -> Survey:
    """Runs `model` once, eagerly and without a trace left, and notes every layer's output.

    Args:
        model: any built Keras model.
        inputs: a probe batch, in the structure that the model takes (numpy).
    """
    nodes = walk(model)
    parents = {node.path: node for node in nodes}
    unreachable: dict[str, str] = {}
    reachable: list[Node] = []
    for node in nodes:
        holder = parents[node.parent].layer if node.parent else model
        if isinstance(holder, keras.layers.RNN):
            unreachable[node.path] = "it is the cell of a recurrent layer and runs in its loop"
        else:
            reachable.append(node)

    shapes: list[tuple[str, int, tuple[int, ...]]] = []

    def touch(key: str, call: int, output: Any) -> Any:
        first = first_tensor(output)
        if first is not None:
            shapes.append((key, call, tuple(int(size) for size in first.shape)))
        return output

    noted: list[targets.Noted] = []

    def look(model: Any, inputs: Any) -> Any:
        with Tap(
            tapped((node.path, node.layer) for node in reachable),
            touch,
            model,
            activations=lambda name, value, output: noted.append((name, value, output)),
        ) as tap:
            output = targets.first_output(model(inputs, training=False))
        unreachable.update(tap.unreachable)
        return output, targets.activation_before(output, noted)[1]

    backend = backends.current()
    values, scores = backend.eagerly(look, model, inputs)
    name = targets.named_activation(noted)
    head = targets.head_of(model, np.asarray(values), np.asarray(scores), name)

    called: dict[str, int] = {}
    for key, _, _ in shapes:
        called[key] = called.get(key, 0) + 1
    outputs: dict[str, Output] = {}
    for order, (path, call, shape) in enumerate(shapes):
        node = parents[path]
        holder = parents[node.parent].layer if node.parent else model
        if isinstance(holder, keras.layers.TimeDistributed):
            if call:  # its frames are one series; the first frame stands for them
                continue
            key = path
        else:
            key = f"{path}#{call}" if called[path] > 1 else path
        outputs[key] = Output(key, node, call, shape, order)
    for node in reachable:
        if node.path not in called:
            unreachable.setdefault(node.path, "the model does not call it when it predicts")
    return Survey(nodes, outputs, head, unreachable)


def first_tensor(output: Any) -> Any | None:
    """The first tensor of a layer's output, whatever structure that has."""
    leaves = [leaf for leaf in keras.tree.flatten(output) if hasattr(leaf, "shape")]
    return leaves[0] if leaves else None
