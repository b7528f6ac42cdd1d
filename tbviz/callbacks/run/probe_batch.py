"""Join the probes of all callbacks of a `fit`, so that one pass serves all."""

from __future__ import annotations

import dataclasses
from typing import Any

import keras
import numpy as np

from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.errors import TbvizError
from tbviz.methods.maximization.canvas import blank_inputs
from tbviz.scores.given_classes import GivenClasses
from tbviz.taps.final_outputs import FinalOutput, OutputName


class ProbeBatch:
    """Probes by callback; equal ones are stored once."""

    def __init__(self) -> None:
        self._parts: list[ProbeArrays] = []
        # By part, the probes that are known to be equal to it, and their labels and names.
        self._given: list[list[tuple[ProbeArrays, GivenClasses]]] = []
        self._part_of: dict[int, int] = {}
        self._merged: ProbeArrays | None = None
        self._by_output: dict[tuple[object, ...], ProbeArrays] = {}
        self._blank: Any = None

    def add(self, callback: object, probe: ProbeArrays, output: OutputName | None = None) -> None:
        """Add a callback's probe.

        Pixels are compared only if no callback has given this very object before.

        Args:
            callback: The callback.
            probe: Its probe.
            output: The output of the model that its labels and class names belong to unless they
                are given by output. Defaults to None: the first output.

        Raises:
            TbvizError: If it does not fit into one batch with those of the others.
        """
        given = probe.given.belonging_to(output)
        for index, known in enumerate(self._given):
            if any(probe is one and given == classes for one, classes in known):
                self._part_of[id(callback)] = index
                return
        self._merged = None
        self._by_output.clear()
        for index, part in enumerate(self._parts):
            joined = part.given.joined(given)
            if joined is not None and _same(part, probe):
                first = joined.of_unknown_model()
                self._parts[index] = dataclasses.replace(
                    part, labels=first.labels, class_names=first.names, given=joined
                )
                self._given[index].append((probe, given))
                self._part_of[id(callback)] = index
                return
        _concatenated([*self._parts, probe])  # raises before anything is changed
        self._part_of[id(callback)] = len(self._parts)
        own = probe if given == probe.given else dataclasses.replace(probe, given=given)
        self._parts.append(own)
        self._given.append([(probe, given)])

    @property
    def by_output(self) -> bool:
        """Whether some labels or class names are given by output of the model."""
        return any(part.given.by_output for part in self._parts)

    def for_output(self, final: FinalOutput, outputs: int) -> ProbeArrays:
        """Return all probes, one after the other, with the labels and names of one output.

        Args:
            final: The output.
            outputs: How many outputs the model has.
        """
        key = final.index, final.key, final.name, outputs
        if key not in self._by_output:
            parts = [part.for_output(final, outputs) for part in self._parts]
            self._by_output[key] = _concatenated(parts)
        return self._by_output[key]

    @property
    def count(self) -> int:
        """How many images all probes have."""
        return sum(part.count for part in self._parts)

    @property
    def merged(self) -> ProbeArrays | None:
        """All probes, one after the other; None if no callback has one.

        Labels and class names that are given by output are missing: the model tells whose they are.
        """
        if self._merged is None and self._parts:
            self._merged = _concatenated(
                [one.without_classes() if one.given.by_output else one for one in self._parts]
            )
        return self._merged

    @property
    def inputs(self) -> Any:
        """The model's inputs of all probes, or the blank one."""
        return self._blank if self.merged is None else self.merged.inputs

    def blank_for(self, model: Any) -> None:
        """Use blank inputs if no callback has a probe.

        Raises:
            TbvizError: If the model does not say what size it takes.
        """
        if self.merged is None and self._blank is None:
            self._blank = blank_inputs(model)

    def rows_for(self, callback: object) -> tuple[ProbeArrays, list[int]]:
        """Return a callback's probe, and the rows of its images in the whole batch."""
        index = self._part_of[id(callback)]
        first = sum(part.count for part in self._parts[:index])
        part = self._parts[index]
        return part, list(range(first, first + part.count))


def _same(one: ProbeArrays, other: ProbeArrays) -> bool:
    if one.count != other.count:
        return False
    try:
        keras.tree.assert_same_structure(one.inputs, other.inputs)
    except (ValueError, TypeError):
        return False
    pairs = zip(keras.tree.flatten(one.inputs), keras.tree.flatten(other.inputs), strict=True)
    return all(_equal(left, right) for left, right in pairs)


def _equal(left: Any, right: Any) -> bool:
    # NaN equals NaN here: images that are not finite are stored once too.
    floats = all(np.asarray(one).dtype.kind == "f" for one in (left, right))
    return bool(np.array_equal(left, right, equal_nan=floats))


def _concatenated(parts: list[ProbeArrays]) -> ProbeArrays:
    if len(parts) == 1:
        return parts[0]
    try:
        inputs = keras.tree.map_structure(
            lambda *leaves: np.concatenate(leaves), *(part.inputs for part in parts)
        )
    except (ValueError, TypeError) as error:
        shapes = [[leaf.shape for leaf in keras.tree.flatten(part.inputs)] for part in parts]
        msg = (
            f"the probe images of this fit's callbacks have the shapes {shapes}, which do not fit "
            "into one batch; give all of them images of one size"
        )
        raise TbvizError(msg) from error
    labels: list[int | None] = []
    for part in parts:
        labels += part.labels or [None] * part.count
    names = next((part.class_names for part in parts if part.class_names), None)
    known = any(label is not None for label in labels)
    return ProbeArrays(inputs, labels if known else None, names, sum(part.count for part in parts))
