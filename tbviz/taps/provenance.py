"""Provenance: which weights each output depends on, found by following tensors through one pass.

A tensor is known by its identity: what a layer gets was put out by another one, or is an input. A
tensor that nobody has put out was computed in between, in the code of the user's own model; it is
taken to depend on all that ran before it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras

from tbviz.taps.paths import Node
from tbviz.taps.weights import WeightBook


@dataclass
class _Call:
    """A layer's call that is under way: what it got, and what ran inside it."""

    path: str
    given: int
    inside: int = 0
    holds: bool = False


class Provenance:
    """Sets of weights (see `Faults`) by output.

    Args:
        nodes: the layers that are followed.
        book: the model's weights.

    Attributes:
        reads: (path, number of the call) to the set of weights that the output depends on.
    """

    def __init__(self, nodes: list[Node], book: WeightBook) -> None:
        self._all = {node.path: book.set_of(node.layer) for node in nodes}
        self._own = {node.path: book.set_at(node.path) for node in nodes if not node.leaf}
        self._root = book.set_at("")
        self.reads: dict[tuple[str, int], int] = {}
        self._known: dict[int, tuple[Any, int]] = {}
        self._under_way: list[_Call] = []
        self._before = 0

    def begin(self, inputs: Any) -> None:
        """Notes the model's inputs, which depend on nothing."""
        self.reads.clear()
        self._known.clear()
        self._under_way.clear()
        self._before = 0
        for tensor in _tensors(inputs):
            self._known[id(tensor)] = tensor, 0

    def enter(self, path: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> None:
        """Notes what a layer gets."""
        # Keras computes masks by itself; they say which steps count, and cannot be NaN.
        given = {name: value for name, value in kwargs.items() if name != "mask"}
        for call in self._under_way:
            call.holds = True
        self._under_way.append(_Call(path, self._union((args, given))))

    def leave(self, path: str, number: int, output: Any) -> None:
        """Notes what it puts out."""
        # Those that a model of the user's has left by an exception never come back.
        while self._under_way[-1].path != path:
            self._under_way.pop()
        call = self._under_way.pop()
        whole = call.given | call.inside | self._all[path]
        reads = 0
        for tensor in _tensors(output):
            known = self._known.get(id(tensor))
            if known is None:
                self._known[id(tensor)] = tensor, whole
                reads |= whole
            else:
                # A layer inside has put it out, or it is handed on as it came.
                reads |= known[1] | (0 if call.holds else whole)
        self.reads[path, number] = reads
        self._before |= reads | whole
        for outer in self._under_way:
            outer.inside |= whole

    def cast(self, tensor: Any, result: Any) -> None:
        """Notes that a tensor is another one in another type."""
        known = self._known.get(id(tensor))
        if known is not None and id(result) not in self._known:
            self._known[id(result)] = result, known[1]

    def of(self, tensors: Any) -> int:
        """The set of weights that tensors depend on, such as the model's output."""
        return self._union(tensors)

    def forget(self) -> None:
        """Lets the tensors go: those of a trace must not outlive it."""
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
        for call in self._under_way:
            reads |= call.given | self._own.get(call.path, 0)
        return reads


def _tensors(values: Any) -> list[Any]:
    return [leaf for leaf in keras.tree.flatten(values) if hasattr(leaf, "shape")]
