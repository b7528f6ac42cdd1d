"""The survey: one pass over a probe that tells what every layer of a model puts out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.taps import backends, output_head
from tbviz.taps.added_losses import added_losses_preserved
from tbviz.taps.output_layout import LayerContext, OutputLayoutReader
from tbviz.taps.outputs import ATTENTION, Output, as_maps, first_tensor
from tbviz.taps.paths import Node, walk
from tbviz.taps.provenance import Provenance
from tbviz.taps.random_state import random_states_preserved
from tbviz.taps.tap import Tap, tapped
from tbviz.taps.weights import WeightBook

__all__ = ["ModelOutputs", "Output", "as_maps", "first_tensor", "model_outputs"]


@dataclass(frozen=True)
class ModelOutputs:
    """What a model has to show.

    Attributes:
        nodes: its layers, as `walk` lists them.
        outputs: what was called, by key, in the order of computation.
        head: how class scores are read off it.
        unreachable: paths that a tap must not touch or that were not called, with the reason.
        draws: whether the model draws from Python's or numpy's random state when it predicts.
        last: paths of the layers whose output is the model's own, or the score before its
            activation.
        reads: output's key to the set of weights that it depends on (see `Faults`).
        own: layer's path to the set of its own weights.
        output_reads: the set of weights that the model's first output depends on.
    """

    nodes: list[Node]
    outputs: dict[str, Output]
    head: output_head.OutputHead
    unreachable: dict[str, str] = field(default_factory=dict)
    draws: bool = False
    last: frozenset[str] = frozenset()
    reads: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, int] = field(default_factory=dict)
    output_reads: int = 0

    def outputs_at(self, path: str) -> list[Output]:
        """The outputs of one layer, a call each."""
        return [output for output in self.outputs.values() if output.node.path == path]


def model_outputs(model: Any, inputs: Any, book: WeightBook | None = None) -> ModelOutputs:
    """Runs `model` once, eagerly and without a trace left, and notes every layer's output.

    Args:
        model: any built Keras model.
        inputs: a probe batch, in the structure that the model takes (numpy).
        book: of the model's weights; made anew unless given.

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
    book = book or WeightBook(model)
    holders = {node.path: node for node in nodes}
    recurrent = isinstance(model, keras.layers.RNN)
    unreachable = {
        node.path: _CELL
        for node in nodes
        if recurrent or _around(node, holders, keras.layers.RNN) is not None
    }
    reachable = [node for node in nodes if node.path not in unreachable]
    backend = backends.current()
    with added_losses_preserved(model), random_states_preserved() as moved:
        seen, values, scores = _first_pass(reachable, model, inputs, book)

        def output() -> Floats:
            if isinstance(values, np.ndarray):
                return values
            return np.asarray(backend.compiled(_first_output, model)(inputs))

        head = output_head.head_of(model, tuple(scores.shape), seen.activation, output, seen.name)
        called = Counter(path for path, _, _ in seen.calls)
        if any(
            count > 1 and _around(holders[path], holders, keras.layers.TimeDistributed) is None
            for path, count in called.items()
        ):
            # Called twice, or in a loop, which unlike this pass a compiled look must leave alone.
            traced = _Pass(reachable, book)
            backend.shaped(traced.look, model, inputs)
            unreachable.update(traced.unreachable)
        draws = moved()
    unreachable.update(seen.unreachable)
    unreachable.update(
        (node.path, "the model does not call it when it predicts")
        for node in reachable
        if node.path not in called and node.path not in unreachable
    )
    outputs = _outputs(seen.calls, holders, set(unreachable), keras.tree.flatten(inputs))
    return ModelOutputs(
        nodes,
        outputs,
        head,
        unreachable,
        draws,
        frozenset(seen.last),
        {key: seen.reads[output.node.path, output.call] for key, output in outputs.items()},
        {node.path: book.set_of(node.layer) for node in nodes},
        seen.output_reads,
    )


def _first_pass(
    nodes: list[Node], model: Any, inputs: Any, book: WeightBook
) -> tuple[_Pass, Any, Any]:
    """The pass, the model's output and its scores: arrays, or their shapes alone."""
    backend = backends.current()
    ways: list[Callable[..., Any]] = [backend.eagerly, _compiled]
    if not backend.EAGER_IS_QUICK:
        ways = [backend.shaped, backend.eagerly]
    try:
        seen = _Pass(nodes, book)
        values, scores, sizes = ways[0](seen.look, model, inputs)
    except Exception as error:
        # What cannot run eagerly may run compiled (channels first on a CPU), and the other way.
        seen = _Pass(nodes, book)
        try:
            values, scores, sizes = ways[1](seen.look, model, inputs)
        except Exception:
            raise error from None
    seen.settle(sizes)
    return seen, values, scores


def _compiled(function: Callable[..., Any], model: Any, inputs: Any) -> Any:
    return backends.current().compiled(function, model)(inputs)


def _first_output(model: Any, inputs: Any) -> Any:
    return output_head.first_output(model(inputs, training=False))


def _outputs(
    calls: list[tuple[str, int, tuple[int, ...]]],
    holders: dict[str, Node],
    unreachable: set[str],
    inputs: list[Any],
) -> dict[str, Output]:
    counts = Counter(path for path, _, _ in calls)
    shapes = {path: shape for path, _, shape in calls}
    inner = {node.parent: node.path for node in reversed(holders.values())}
    reader = OutputLayoutReader(inputs)
    outputs: dict[str, Output] = {}
    for order, (path, call, shape) in enumerate(calls):
        node = holders[path]
        attention = _around(node, holders, ATTENTION)
        series = _around(node, holders, keras.layers.TimeDistributed)
        if path in unreachable or (series and call):
            continue  # the frames of a series are one output; the first one stands for them
        repeats = isinstance(node.layer, keras.layers.TimeDistributed)
        context = LayerContext(node, attention, series, inner.get(path) if repeats else None)
        found = reader.read(context, shape)
        key = path if series or counts[path] == 1 else f"{path}#{call}"
        frames = shapes[series][1] if series in shapes else None
        outputs[key] = Output(key, node, call, shape, order, frames=frames, **asdict(found))
    return outputs


_CELL = "it is the cell of a recurrent layer and runs in its loop"


class _Pass:
    """One pass over a model, and what was seen on it."""

    def __init__(self, nodes: list[Node], book: WeightBook) -> None:
        self._nodes = nodes
        self.calls: list[tuple[str, int, tuple[int, ...]]] = []
        self.activation: output_head.Noted | None = None
        self.name: str | None = None
        self.unreachable: dict[str, str] = {}
        self.last: set[str] = set()
        self.reads: dict[tuple[str, int], int] = {}
        self.output_reads = 0
        self._provenance = Provenance(nodes, book)
        self._tensors: list[Any] = []

    def look(self, model: Any, inputs: Any) -> Any:
        """The model's first output, the input of its last activation, and sizes unknown till now.

        A compiled pass may not know a tensor's sizes when it is traced; `settle` takes them.
        """
        self.calls.clear()  # it may be traced twice
        self._provenance.begin(inputs)
        noted: list[output_head.Noted] = []
        layers = tapped((node.path, node.layer) for node in self._nodes)
        enter, cast = self._provenance.enter, self._provenance.cast
        activations = noted.append
        with Tap(layers, self._touch, model, activations, enter=enter, cast=cast) as tap:
            outputs = model(inputs, training=False)
        self.name = output_head.first_name(outputs)
        output = output_head.first_output(outputs)
        self.unreachable = tap.unreachable
        found = output_head.last_activation(output, noted)
        scores = output if found is None else found.value
        seen = list(zip(self.calls, self._tensors, strict=True))
        self.last = {path for (path, _, _), tensor in seen if tensor is output or tensor is scores}
        sizes = [ops.shape(tensor) for (_, _, shape), tensor in seen if None in shape]
        self.reads = dict(self._provenance.reads)
        self.output_reads = self._provenance.of(output)
        # Those of a trace must not outlive it.
        self._tensors.clear()
        self._provenance.forget()
        self.activation = found and found._replace(value=None, output=None)
        return output, scores, sizes

    def settle(self, sizes: list[Any]) -> None:
        """Fills in the shapes that were not known when the pass was traced."""
        known = iter(sizes)
        for context, (path, call, shape) in enumerate(self.calls):
            if None in shape:
                self.calls[context] = (path, call, tuple(map(int, next(known))))

    def _touch(self, path: str, call: int, output: Any) -> Any:
        self._provenance.leave(path, call, output)
        first = first_tensor(output)
        if first is not None:
            self.calls.append((path, call, tuple(first.shape)))
            self._tensors.append(first)
        return output


def _around(node: Node, holders: dict[str, Node], kinds: Any) -> str | None:
    """Path of the nearest layer of one of these classes that holds a layer at any depth."""
    while node.parent is not None:
        node = holders[node.parent]
        if isinstance(node.layer, kinds):
            return node.path
    return None
