"""Find the output of every layer of a model, with one pass over a probe batch."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.errors import TbvizError
from tbviz.taps import backends
from tbviz.taps.added_losses import added_losses_preserved
from tbviz.taps.final_outputs import (
    FinalOutput,
    OutputName,
    find_final_output,
    is_distribution,
    loss_meaning,
    names_of,
)
from tbviz.taps.input_finiteness import faulty_images
from tbviz.taps.output_layout import LayerContext, OutputLayoutReader
from tbviz.taps.outputs import ATTENTION, Output, first_tensor
from tbviz.taps.paths import Node, walk
from tbviz.taps.provenance import Flow, Provenance
from tbviz.taps.random_state import random_states_preserved
from tbviz.taps.tap import RecordedActivation, Tap, last_activation, tapped
from tbviz.taps.weight_finiteness import WeightChecker


@dataclass(frozen=True)
class ModelOutputs:
    """The outputs of all layers of a model.

    Attributes:
        nodes: Its layers, as `walk` lists them.
        outputs: The outputs of the layers that were called, by key, in the order of computation.
        final: What the model itself returns.
        unreachable: Paths of layers that cannot be tapped or were not called, with the reason.
        draws: Whether the model draws from Python's or numpy's random state when it predicts.
        reads: Output's key to the set of weights that it depends on (see `WeightFaults`).
        own: Layer's path to the set of its own weights.
        flows: Output's (path, number of the call) to what it is computed from.
    """

    nodes: list[Node]
    outputs: dict[str, Output]
    final: tuple[FinalOutput, ...] = ()
    unreachable: dict[str, str] = field(default_factory=dict)
    draws: bool = False
    reads: Mapping[str, int] = field(default_factory=dict)
    own: Mapping[str, int] = field(default_factory=dict)
    flows: Mapping[tuple[str, int], Flow] = field(default_factory=dict)

    def outputs_at(self, path: str) -> list[Output]:
        """Return the outputs of one layer, one per call."""
        return [output for output in self.outputs.values() if output.node.path == path]

    def final_output(self, output: OutputName | None = None) -> FinalOutput:
        """Return the output of the model that a user names, see `find_final_output`."""
        return find_final_output(self.final, output)


def find_model_outputs(
    model: Any, inputs: Any, weight_checker: WeightChecker | None = None
) -> ModelOutputs:
    """Run `model` once, without leaving a trace, and record every layer's output.

    Args:
        model: Any built Keras model.
        inputs: A probe batch, in the structure that the model takes (numpy).
        weight_checker: Of the model's weights. Defaults to a new one.

    Raises:
        TbvizError: If the model has no variables yet.
    """
    if not model.built:
        msg = (
            f"model {model.name!r} is not built: its layers have no weights yet; call it on a "
            "batch, `build` it, or fit it first"
        )
        raise TbvizError(msg)
    nodes = walk(model)
    weight_checker = weight_checker or WeightChecker(model)
    by_path = {node.path: node for node in nodes}
    recurrent = isinstance(model, keras.layers.RNN)
    unreachable = {
        node.path: _CELL
        for node in nodes
        if recurrent or _enclosing(node, by_path, keras.layers.RNN) is not None
    }
    reachable = [node for node in nodes if node.path not in unreachable]
    with added_losses_preserved(model), random_states_preserved() as moved:
        seen, values, scores = _first_pass(reachable, model, inputs, weight_checker)
        final = _final_outputs(seen, model, inputs, values, scores)
        called = Counter(path for path, _, _ in seen.calls)
        if any(
            count > 1 and _enclosing(by_path[path], by_path, keras.layers.TimeDistributed) is None
            for path, count in called.items()
        ):
            # Called twice, or in a loop, which a compiled pass, unlike this one, must leave alone.
            traced = _ForwardPass(reachable, weight_checker)
            backends.current().trace_shapes(traced.run, model, inputs)
            unreachable.update(traced.unreachable)
        draws = moved()
    unreachable.update(seen.unreachable)
    unreachable.update(
        (node.path, "the model does not call it when it predicts")
        for node in reachable
        if node.path not in called and node.path not in unreachable
    )
    outputs = _outputs(seen.calls, by_path, set(unreachable), keras.tree.flatten(inputs))
    return ModelOutputs(
        nodes,
        outputs,
        final,
        unreachable,
        draws,
        {key: seen.reads[output.node.path, output.call] for key, output in outputs.items()},
        {node.path: weight_checker.set_of(node.layer) for node in nodes},
        seen.flows,
    )


def _first_pass(
    nodes: list[Node], model: Any, inputs: Any, weight_checker: WeightChecker
) -> tuple[_ForwardPass, Any, Any]:
    """Return the pass, the model's outputs and their scores: arrays, or their shapes alone."""
    backend = backends.current()
    runs: list[Callable[..., Any]] = [backend.run_eagerly, _compiled]
    if not backend.EAGER_IS_FAST:
        runs = [backend.trace_shapes, backend.run_eagerly]
    try:
        seen = _ForwardPass(nodes, weight_checker)
        values, scores, sizes = runs[0](seen.run, model, inputs)
    except Exception as error:
        # Some models run only compiled (channels first on a CPU), others only eagerly.
        seen = _ForwardPass(nodes, weight_checker)
        try:
            values, scores, sizes = runs[1](seen.run, model, inputs)
        except Exception:
            raise error from None
    seen.fill_in_sizes(sizes)
    return seen, values, scores


def _compiled(function: Callable[..., Any], model: Any, inputs: Any) -> Any:
    return backends.current().compiled(function, model)(inputs)


def _all_outputs(model: Any, inputs: Any) -> Any:
    return keras.tree.flatten(model(inputs, training=False))


def _final_outputs(
    seen: _ForwardPass, model: Any, inputs: Any, values: list[Any], scores: list[Any]
) -> tuple[FinalOutput, ...]:
    """Return the outputs of the model; run it again if their values matter and were only traced."""
    finite = ~faulty_images(inputs)
    found = []
    for one, (key, name), score in zip(seen.final, seen.names, scores, strict=True):
        shape = tuple(score.shape)
        from_logits, binary = loss_meaning(model, one.index, key, name)
        units = shape[one.activation.axis if one.activation else -1] if len(shape) > 1 else 1
        normalized = False
        if one.activation is None and not from_logits and units > 1:
            if not isinstance(values[one.index], np.ndarray):
                values = backends.current().compiled(_all_outputs, model)(inputs)
            output = values[one.index]
            # An image that is not finite does not show the meaning of the output.
            known = finite.any() and len(finite) == len(output)
            normalized = is_distribution(output[finite] if known else output)
        found.append(
            replace(
                one,
                shape=shape,
                key=key,
                name=name,
                from_logits=from_logits,
                binary=binary,
                normalized=normalized,
            )
        )
    return tuple(found)


def _outputs(
    calls: list[tuple[str, int, tuple[int, ...]]],
    by_path: dict[str, Node],
    unreachable: set[str],
    inputs: list[Any],
) -> dict[str, Output]:
    counts = Counter(path for path, _, _ in calls)
    shapes = {path: shape for path, _, shape in calls}
    inner = {node.parent: node.path for node in reversed(by_path.values())}
    reader = OutputLayoutReader(inputs)
    outputs: dict[str, Output] = {}
    for order, (path, call, shape) in enumerate(calls):
        node = by_path[path]
        attention = _enclosing(node, by_path, ATTENTION)
        series = _enclosing(node, by_path, keras.layers.TimeDistributed)
        if path in unreachable or (series and call):
            continue  # the frames of a series are one output, represented by the first
        repeats = isinstance(node.layer, keras.layers.TimeDistributed)
        context = LayerContext(node, attention, series, inner.get(path) if repeats else None)
        found = reader.read(context, shape)
        key = path if series or counts[path] == 1 else f"{path}#{call}"
        frames = shapes[series][1] if series in shapes else None
        outputs[key] = Output(key, node, call, shape, order, frames=frames, **asdict(found))
    return outputs


_CELL = "it is the cell of a recurrent layer and runs in its loop"


class _ForwardPass:
    """One forward pass over a model, and the records of it."""

    def __init__(self, nodes: list[Node], weight_checker: WeightChecker) -> None:
        self._nodes = nodes
        self.calls: list[tuple[str, int, tuple[int, ...]]] = []
        self.final: list[FinalOutput] = []
        self.names: list[tuple[str | None, str | None]] = []
        self.unreachable: dict[str, str] = {}
        self.reads: dict[tuple[str, int], int] = {}
        self.flows: dict[tuple[str, int], Flow] = {}
        self._provenance = Provenance(nodes, weight_checker)
        self._tensors: list[Any] = []

    def run(self, model: Any, inputs: Any) -> Any:
        """Return the model's outputs, the inputs of their last activations, and missing sizes.

        A compiled pass may not know a tensor's sizes when it is traced; `fill_in_sizes` takes them.
        """
        self.calls.clear()  # it may be traced twice
        self._provenance.begin(inputs)
        activations: list[RecordedActivation] = []
        layers = tapped((node.path, node.layer) for node in self._nodes)
        enter, cast = self._provenance.enter, self._provenance.cast
        record = activations.append
        with Tap(layers, self._leave, model, record, on_call=enter, on_cast=cast) as tap:
            outputs = model(inputs, training=False)
        self.names = names_of(model, outputs)
        self.unreachable = tap.unreachable
        seen = list(zip(self.calls, self._tensors, strict=True))
        values = keras.tree.flatten(outputs)
        scores = []
        self.final.clear()
        for index, output in enumerate(values):
            found = last_activation(output, activations)
            score = output if found is None else found.value
            scores.append(score)
            bare = found and found._replace(value=None, output=None)
            ends = [path for (path, _, _), tensor in seen if tensor is output or tensor is score]
            source = self._provenance.source_of(output)
            self.final.append(
                FinalOutput(
                    index,
                    (),
                    bare,
                    reads=source.weights,
                    last=frozenset(ends),
                    call=source.call,
                )
            )
        sizes = [ops.shape(tensor) for (_, _, shape), tensor in seen if None in shape]
        self.reads = dict(self._provenance.reads)
        self.flows = dict(self._provenance.flows)
        # Those of a trace must not outlive it.
        self._tensors.clear()
        self._provenance.drop_tensors()
        return values, scores, sizes

    def fill_in_sizes(self, sizes: list[Any]) -> None:
        """Fill in the shapes that were not known when the pass was traced."""
        known = iter(sizes)
        for index, (path, call, shape) in enumerate(self.calls):
            if None in shape:
                self.calls[index] = (path, call, tuple(map(int, next(known))))

    def _leave(self, path: str, call: int, output: Any) -> Any:
        self._provenance.leave(path, call, output)
        first = first_tensor(output)
        if first is not None:
            self.calls.append((path, call, tuple(first.shape)))
            self._tensors.append(first)
        return output


def _enclosing(node: Node, by_path: dict[str, Node], kinds: Any) -> str | None:
    """Return the path of the nearest enclosing layer of one of these classes."""
    while node.parent is not None:
        node = by_path[node.parent]
        if isinstance(node.layer, kinds):
            return node.path
    return None
