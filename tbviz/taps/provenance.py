"""Find the weights that each output depends on, by following tensors through one pass.

A tensor is known by its identity: the input of a layer is the output of another layer, or an input
of the model. Any other tensor was computed in between by code of the user's model; it is taken to
depend on everything that ran before it.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import keras

from tbviz.taps.paths import Node
from tbviz.taps.weight_finiteness import WeightChecker


class Origin(NamedTuple):
    """The origin of a tensor.

    Attributes:
        weights: The set of weights that it depends on.
        call: (path, number) of the call that computed it, None if that is not known.
    """

    weights: int
    call: tuple[str, int] | None


class Flow(NamedTuple):
    """The tensors that an output is computed from.

    Attributes:
        inputs: The sources of the tensors that the layer was given.
        same_as: The call whose output this is too, as of the last layer inside the layer.
    """

    inputs: tuple[Origin, ...]
    same_as: tuple[str, int] | None


@dataclass
class _Call:
    """An unfinished call of a layer: the weights of its inputs, and of the calls inside it."""

    path: str
    given: tuple[Origin, ...]
    inside: int = 0
    holds: bool = False


def calls_before(
    flows: Mapping[tuple[str, int], Flow], call: tuple[str, int] | None
) -> set[tuple[str, int]] | None:
    """Return the calls that an output depends on, with its own; None if not all are known.

    Args:
        flows: The flow of each call.
        call: The call that computed the output.
    """
    found: set[tuple[str, int]] = set()
    pending = [call]
    while pending:
        one = pending.pop()
        if one is None or one not in flows:
            return None
        if one in found:
            continue
        found.add(one)
        flow = flows[one]
        pending += [source.call for source in flow.inputs if source.weights or source.call]
        if flow.same_as not in (None, one):
            pending.append(flow.same_as)
    return found


class Provenance:
    """The set of weights (see `WeightFaults`) that each output depends on.

    Args:
        nodes: The layers that are followed.
        weight_checker: Of the model's weights.

    Attributes:
        reads: (path, number of the call) to the set of weights that the output depends on.
        flows: (path, number of the call) to the flow of the output.
    """

    def __init__(self, nodes: list[Node], weight_checker: WeightChecker) -> None:
        used = ~weight_checker.gathered
        self._all = {node.path: weight_checker.set_of(node.layer) & used for node in nodes}
        self._own = {
            node.path: weight_checker.set_at(node.path) & used for node in nodes if not node.leaf
        }
        self._root = weight_checker.set_at("") & used
        self.reads: dict[tuple[str, int], int] = {}
        self.flows: dict[tuple[str, int], Flow] = {}
        self._known: dict[int, tuple[Any, Origin]] = {}
        self._unfinished: list[_Call] = []
        self._before = 0

    def begin(self, inputs: Any) -> None:
        """Register the model's inputs, which depend on no weights."""
        self.reads.clear()
        self.flows.clear()
        self._known.clear()
        self._unfinished.clear()
        self._before = 0
        for tensor in _tensors(inputs):
            self._known[id(tensor)] = tensor, Origin(0, None)

    def enter(self, path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Register the inputs of a layer."""
        # Keras computes masks by itself; they select steps, and cannot be NaN.
        given = {name: value for name, value in kwargs.items() if name != "mask"}
        for call in self._unfinished:
            call.holds = True
        self._unfinished.append(_Call(path, self._sources((args, given))))

    def leave(self, path: str, number: int, output: Any) -> None:
        """Register the output of a layer."""
        # Calls that the user's model has left by an exception never end.
        while self._unfinished[-1].path != path:
            self._unfinished.pop()
        call = self._unfinished.pop()
        whole = _weights(call.given) | call.inside | self._all[path]
        reads = 0
        tensors = _tensors(output)
        same_as = None
        for tensor in tensors:
            known = self._known.get(id(tensor))
            if known is None:
                # Of several tensors, the channels of the first alone are known.
                made = (path, number) if tensor is tensors[0] else None
                self._known[id(tensor)] = tensor, Origin(whole, made)
                reads |= whole
            else:
                if tensor is tensors[0]:
                    same_as = known[1].call
                # It is the output of a layer inside, or an input that is passed through.
                reads |= known[1].weights | (0 if call.holds else whole)
        self.reads[path, number] = reads
        self.flows[path, number] = Flow(call.given, same_as)
        self._before |= reads | whole
        for outer in self._unfinished:
            outer.inside |= whole

    def cast(self, tensor: Any, result: Any) -> None:
        """Register that a tensor is another one in another type."""
        known = self._known.get(id(tensor))
        if known is not None and id(result) not in self._known:
            self._known[id(result)] = result, known[1]

    def source_of(self, tensor: Any) -> Origin:
        """Return the source of a tensor, such as an output of the model."""
        return next(iter(self._sources(tensor)), Origin(0, None))

    def drop_tensors(self) -> None:
        """Release the tensors: those of a trace must not outlive it."""
        self._known.clear()

    def _sources(self, values: Any) -> tuple[Origin, ...]:
        found = []
        for tensor in _tensors(values):
            known = self._known.get(id(tensor))
            if known is None:
                source = Origin(self._unknown(tensor), None)
                known = self._known[id(tensor)] = tensor, source
            found.append(known[1])
        return tuple(found)

    def _unknown(self, tensor: Any) -> int:
        if str(getattr(tensor, "dtype", "")).endswith("bool"):
            return 0
        reads = self._before | self._root
        for call in self._unfinished:
            reads |= _weights(call.given) | self._own.get(call.path, 0)
        return reads


def _weights(sources: tuple[Origin, ...]) -> int:
    return functools.reduce(operator.or_, (source.weights for source in sources), 0)


def _tensors(values: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(values) if hasattr(leaf, "shape")]
