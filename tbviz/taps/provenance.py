"""Provenance: which weights each output depends on, found by following tensors through one pass.

A tensor is known by its identity: the input of a layer is the output of another one, or an input
of the model. Any other tensor was computed in between, in the code of the user's own model; it is
taken to depend on everything that ran before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tbviz.taps.paths import Node
from tbviz.taps.weight_finiteness import WeightChecker


@dataclass
class _Call:
    """An unfinished call of a layer: the weights of its inputs, and of the calls inside it."""

    path: str
    given: int
    inside: int = 0
    holds: bool = False


class Provenance:
    """Sets of weights (see `WeightFaults`) by output.

    Args:
        nodes: the layers that are followed.
        weight_checker: of the model's weights.

    Attributes:
        reads: (path, number of the call) to the set of weights that the output depends on.
    """

    def __init__(self, nodes: list[Node], weight_checker: WeightChecker) -> None:
        self._all = {node.path: weight_checker.set_of(node.layer) for node in nodes}
        self._own = {node.path: weight_checker.set_at(node.path) for node in nodes if not node.leaf}
        self._root = weight_checker.set_at("")
        self.reads: dict[tuple[str, int], int] = {}
        self._known: dict[int, tuple[Any, int]] = {}
        self._unfinished: list[_Call] = []
        self._before = 0

    def begin(self, inputs: Any) -> None:
        """Register the model's inputs, which depend on no weights."""
        self.reads.clear()
        self._known.clear()
        self._unfinished.clear()
        self._before = 0
        for tensor in _tensors(inputs):
            self._known[id(tensor)] = tensor, 0

    def enter(self, path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Register the inputs of a layer."""
        # Keras computes masks by itself; they select steps, and cannot be NaN.
        given = {name: value for name, value in kwargs.items() if name != "mask"}
        for call in self._unfinished:
            call.holds = True
        self._unfinished.append(_Call(path, self._union((args, given))))

    def leave(self, path: str, number: int, output: Any) -> None:
        """Register the output of a layer."""
        # Calls that the user's model has left by an exception never end.
        while self._unfinished[-1].path != path:
            self._unfinished.pop()
        call = self._unfinished.pop()
        whole = call.given | call.inside | self._all[path]
        reads = 0
        for tensor in _tensors(output):
            known = self._known.get(id(tensor))
            if known is None:
                self._known[id(tensor)] = tensor, whole
                reads |= whole
            else:
                # It is the output of a layer inside, or an input that is passed through.
                reads |= known[1] | (0 if call.holds else whole)
        self.reads[path, number] = reads
        self._before |= reads | whole
        for outer in self._unfinished:
            outer.inside |= whole

    def cast(self, tensor: Any, result: Any) -> None:
        """Register that a tensor is another one in another type."""
        known = self._known.get(id(tensor))
        if known is not None and id(result) not in self._known:
            self._known[id(result)] = result, known[1]

    def reads_of(self, tensors: Any) -> int:
        """Return the set of weights that tensors depend on, such as the model's output."""
        return self._union(tensors)

    def drop_tensors(self) -> None:
        """Release the tensors: those of a trace must not outlive it."""
        self._known.clear()

    def _union(self, values: Any) -> int:
        reads = 0
        for tensor in _tensors(values):
            known = self._known.get(id(tensor))
            if known is None:
                known = self._known[id(tensor)] = tensor, self._unknown(tensor)
            reads |= known[1]
        return reads

    def _unknown(self, tensor: Any) -> int:
        if str(getattr(tensor, "dtype", "")).endswith("bool"):
            return 0
        reads = self._before | self._root
        for call in self._unfinished:
            reads |= call.given | self._own.get(call.path, 0)
        return reads


def _tensors(values: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(values) if hasattr(leaf, "shape")]
