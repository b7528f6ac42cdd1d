"""The probe batch: the probes of all callbacks of a `fit`, so that one pass serves all."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.errors import TbvizError
from tbviz.methods.maximization.canvas import blank_inputs

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class ProbeBatch:
    """Probes by callback; equal ones are stored once."""

    def __init__(self) -> None:
        self._parts: list[ProbeArrays] = []
        self._part_of: dict[int, int] = {}
        self._merged: ProbeArrays | None = None
        self._blank: Any = None

    def add(self, callback: Visual, probe: ProbeArrays) -> None:
        """Add a callback's probe.

        Raises:
            TbvizError: it does not fit into one batch with those of the others.
        """
        for index, part in enumerate(self._parts):
            if _same(part, probe):
                self._parts[index] = dataclasses.replace(
                    part,
                    labels=part.labels or probe.labels,
                    class_names=part.class_names or probe.class_names,
                )
                self._part_of[id(callback)] = index
                break
        else:
            _concatenated([*self._parts, probe])  # raises before anything is changed
            self._part_of[id(callback)] = len(self._parts)
            self._parts.append(probe)
        self._merged = None

    @property
    def merged(self) -> ProbeArrays | None:
        """All probes, one after the other; `None` where no callback has one."""
        if self._merged is None and self._parts:
            self._merged = _concatenated(self._parts)
        return self._merged

    @property
    def inputs(self) -> Any:
        """The model's inputs of all probes, or the blank one."""
        return self._blank if self.merged is None else self.merged.inputs

    def blank_for(self, model: Any) -> None:
        """Use blank inputs if no callback has a probe.

        Raises:
            TbvizError: the model does not say what size it takes.
        """
        if self.merged is None and self._blank is None:
            self._blank = blank_inputs(model)

    def rows_for(self, callback: Visual) -> tuple[ProbeArrays, list[int]]:
        """Return a callback's probe, and the rows of its images in the whole batch."""
        index = self._part_of[id(callback)]
        first = sum(part.count for part in self._parts[:index])
        part = self._parts[index]
        return part, list(range(first, first + part.count))


def _same(one: ProbeArrays, other: ProbeArrays) -> bool:
    if one.count != other.count:
        return False
    if one.labels is not None and other.labels is not None and one.labels != other.labels:
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
