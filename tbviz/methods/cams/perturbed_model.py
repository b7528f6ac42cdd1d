"""A model that is asked about changed images: what all methods share that change the input."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from typing import Any, NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.arrays.value_range import value_range
from tbviz.errors import TbvizError
from tbviz.taps.class_target import ClassTarget
from tbviz.taps.gradients import input_gradients
from tbviz.taps.image_inputs import channels_last, image_input_index, image_layout
from tbviz.taps.inspector import ModelInspector

_BATCH = 32
"""Changed images that the model sees at a time."""


class Answers(NamedTuple):
    """What a model says about changed images.

    Attributes:
        scores: `(images, changes, classes)` before softmax or sigmoid.
        probabilities: the same after it, `None` where the model has none.
    """

    scores: Floats
    probabilities: Floats | None


class PerturbedModel:
    """One model and one probe; the image is changed, whatever else the model takes stays.

    What the model answered is kept, so that explaining several classes costs as much as one.

    Args:
        inspector: into the model.
        inputs: the probe batch in the model's structure. Of several images the first is changed.
        reference: all images, where `inputs` are some of them: mean and range are theirs.
    """

    def __init__(
        self, inspector: ModelInspector, inputs: Any, reference: PerturbedModel | None = None
    ) -> None:
        self.inspector = inspector
        self.inputs = inputs
        self._reference = reference
        self._answers: dict[Hashable, Answers] = {}

    @cached_property
    def images(self) -> Floats:
        """The images, `(images, height, width, colors)`, float32.

        Raises:
            TbvizError: none of the inputs is a batch of images.
        """
        return channels_last(np.asarray(self._leaves[self._input_index])).astype(np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the images."""
        return self.images.shape[1:3]

    @cached_property
    def range(self) -> tuple[float, float]:
        """The values of black and white."""
        if self._reference is not None:
            return self._reference.range
        return value_range(self._leaves[self._input_index])

    @cached_property
    def mean(self) -> Floats:
        """The mean color of all images, of what is finite in them."""
        if self._reference is not None:
            return self._reference.mean
        finite = np.isfinite(self.images)
        count = np.maximum(finite.sum(axis=(0, 1, 2)), 1)
        total = np.where(finite, self.images, 0).sum(axis=(0, 1, 2), dtype=np.float64)
        return np.asarray(total / count, np.float32)

    def answers(self, key: Hashable, change: Callable[[int], npt.NDArray[Any]]) -> Answers:
        """What the model says where each image is changed in the same number of ways.

        Args:
            key: what is done to the images; the same key must mean the same changes.
            change: gives of the image of this number its changed ones, `(changes, height, width,
                colors)`.
        """
        if key not in self._answers:
            found = list(self._asked(change))
            shape = len(self.images), -1, found[0][0].shape[-1]
            scores = np.concatenate([one[0] for one in found]).reshape(shape)
            likely = [one[1] for one in found if one[1] is not None]
            probabilities = np.concatenate(likely).reshape(shape) if likely else None
            self._answers[key] = Answers(scores, probabilities)
        return self._answers[key]

    @cached_property
    def unchanged(self) -> Answers:
        """What the model says about the images as they are, `changes` being 1."""
        return self._once(self.inputs)

    def filled(self, color: npt.ArrayLike) -> Answers:
        """What the model says where all images are of this color, or value, likewise."""
        key = "filled", np.asarray(color).tobytes()
        if key not in self._answers:
            even = np.broadcast_to(np.asarray(color, np.float32), self.images.shape)
            self._answers[key] = self._once(self._with(even, np.arange(len(even))))
        return self._answers[key]

    def gradients(
        self, images: npt.NDArray[Any], class_target: ClassTarget, *, guided: bool = False
    ) -> Floats:
        """Derivatives of the scores aimed at, where these images take the place of the first.

        Args:
            images: one for each, channels last.
            class_target: with a class for each.
            guided: guided backpropagation.

        Returns:
            `(images, height, width, colors)`.
        """
        inputs = self._with(images, np.arange(len(images)))
        found = input_gradients(self.inspector, inputs, class_target, guided=guided)
        return channels_last(np.asarray(keras.tree.flatten(found.gradients)[self._input_index]))

    @property
    def _leaves(self) -> list[Any]:
        return list(keras.tree.flatten(self.inputs))

    @cached_property
    def _input_index(self) -> int:
        index = image_input_index(self.inputs)
        if index is None:
            shapes = [np.shape(leaf) for leaf in self._leaves]
            msg = (
                f"none of the model's inputs, of shapes {shapes}, is a batch of images; this "
                "method changes (batch, height, width, channels) with 1 to 4 channels"
            )
            raise TbvizError(msg)
        return index

    def _once(self, inputs: Any) -> Answers:
        found = self.inspector.record((), inputs)
        likely = found.probabilities
        return Answers(found.scores[:, None], None if likely is None else likely[:, None])

    def _asked(
        self, change: Callable[[int], npt.NDArray[Any]]
    ) -> Iterator[tuple[Floats, Floats | None]]:
        """Scores and probabilities, image after image, in whole batches but for the last."""
        rest = np.zeros((0, *self.images.shape[1:]), np.float32)
        rows = np.zeros(0, np.intp)
        last = len(self.images) - 1
        for index in range(last + 1):
            changed = np.asarray(change(index), np.float32)
            rest = np.concatenate([rest, changed])
            rows = np.concatenate([rows, np.full(len(changed), index)])
            full = len(rest) if index == last else len(rest) // _BATCH * _BATCH
            if full:
                yield self.inspector.scores(self._with(rest[:full], rows[:full]), _BATCH)
                rest, rows = rest[full:], rows[full:]

    def _with(self, images: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> Any:
        """The model's inputs with other images; of the rest these rows."""
        leaves = self._leaves
        layout = image_layout(np.shape(leaves[self._input_index]))
        first = layout is not None and layout[3]
        changed = np.asarray(np.moveaxis(images, -1, 1) if first else images, np.float32)
        leaves = [
            changed if index == self._input_index else np.asarray(leaf)[rows]
            for index, leaf in enumerate(leaves)
        ]
        return keras.tree.pack_sequence_as(self.inputs, leaves)
