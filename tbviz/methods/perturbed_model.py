"""Run a model on perturbed images, for all methods that perturb the input."""

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
from tbviz.scores.class_target import ClassTarget
from tbviz.scores.gradients import input_gradients
from tbviz.scores.recording import record, scores_in_batches
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.image_inputs import channels_last, image_input_index, image_layout
from tbviz.taps.inspector import ModelInspector

_BATCH = 32
"""The number of perturbed images per batch."""


class ModelScores(NamedTuple):
    """The class scores of perturbed images.

    Attributes:
        scores: `(images, perturbations, classes)` before softmax or sigmoid.
        probabilities: The same after it, None if the model has none.
    """

    scores: Floats
    probabilities: Floats | None


class PerturbedModel:
    """One model and one probe batch; the image is perturbed, the other inputs stay.

    Scores are cached, so that explaining several classes costs as much as one.

    Args:
        inspector: Of the model.
        inputs: The probe batch in the model's structure. Of several images the first is perturbed.
        output: The output of the model whose scores are computed. Defaults to the first.
    """

    def __init__(
        self,
        inspector: ModelInspector,
        inputs: Any,
        output: OutputName | None = None,
    ) -> None:
        self.inspector = inspector
        self.inputs = inputs
        self.output = output
        self._scores: dict[Hashable, ModelScores] = {}

    @cached_property
    def images(self) -> Floats:
        """Return the images, `(images, height, width, colors)`, float32.

        Raises:
            TbvizError: If none of the inputs is a batch of images.
        """
        return channels_last(np.asarray(self._leaves[self._input_index])).astype(np.float32)

    @property
    def size(self) -> tuple[int, int]:
        """Return the height and width of the images."""
        return self.images.shape[1:3]

    @cached_property
    def range(self) -> tuple[float, float]:
        """Return the values of black and white."""
        return value_range(self._leaves[self._input_index])

    @cached_property
    def mean(self) -> Floats:
        """Return the mean color of all images; values that are not finite are left out."""
        finite = np.isfinite(self.images)
        count = np.maximum(finite.sum(axis=(0, 1, 2)), 1)
        total = np.where(finite, self.images, 0).sum(axis=(0, 1, 2), dtype=np.float64)
        return np.asarray(total / count, np.float32)

    def evaluate(self, key: Hashable, perturb: Callable[[int], npt.NDArray[Any]]) -> ModelScores:
        """Compute the scores of perturbed images, the same number for each image.

        Args:
            key: Names the perturbations; the same key must mean the same ones.
            perturb: Returns the perturbed images of the image of this number, `(perturbations,
                height, width, colors)`.
        """
        if key not in self._scores:
            found = list(self._evaluate_batches(perturb))
            shape = len(self.images), -1, found[0][0].shape[-1]
            scores = np.concatenate([one[0] for one in found]).reshape(shape)
            each = [one[1] for one in found if one[1] is not None]
            probabilities = np.concatenate(each).reshape(shape) if each else None
            self._scores[key] = ModelScores(scores, probabilities)
        return self._scores[key]

    @cached_property
    def unperturbed(self) -> ModelScores:
        """Return the scores of the images themselves: one perturbation, which changes nothing."""
        return self._evaluate_once(self.inputs)

    def filled(self, color: npt.ArrayLike) -> ModelScores:
        """Compute the scores of images that have one color or value everywhere, likewise."""
        key = "filled", np.asarray(color).tobytes()
        if key not in self._scores:
            even = np.broadcast_to(np.asarray(color, np.float32), self.images.shape)
            self._scores[key] = self._evaluate_once(self._with(even, np.arange(len(even))))
        return self._scores[key]

    def gradients(
        self, images: npt.NDArray[Any], class_target: ClassTarget, *, guided: bool = False
    ) -> Floats:
        """Compute derivatives of the target scores, with these images as the first image input.

        Args:
            images: One for each, channels last.
            class_target: With a class for each.
            guided: Guided backpropagation. Defaults to False.

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
                f"none of the model's inputs, of shapes {shapes}, is a batch of images; expected "
                "(batch, height, width, channels) with 1 to 4 channels"
            )
            raise TbvizError(msg)
        return index

    def _evaluate_once(self, inputs: Any) -> ModelScores:
        found = record(self.inspector, (), inputs, output=self.output)
        probabilities = found.probabilities
        return ModelScores(
            found.scores[:, None], None if probabilities is None else probabilities[:, None]
        )

    def _evaluate_batches(
        self, perturb: Callable[[int], npt.NDArray[Any]]
    ) -> Iterator[tuple[Floats, Floats | None]]:
        """Yield scores and probabilities, image after image, in whole batches except the last."""
        rest = np.zeros((0, *self.images.shape[1:]), np.float32)
        rows = np.zeros(0, np.intp)
        last = len(self.images) - 1
        for index in range(last + 1):
            perturbed = np.asarray(perturb(index), np.float32)
            rest = np.concatenate([rest, perturbed])
            rows = np.concatenate([rows, np.full(len(perturbed), index)])
            full = len(rest) if index == last else len(rest) // _BATCH * _BATCH
            if full:
                part = self._with(rest[:full], rows[:full])
                yield scores_in_batches(self.inspector, part, _BATCH, self.output)
                rest, rows = rest[full:], rows[full:]

    def _with(self, images: npt.NDArray[Any], rows: npt.NDArray[np.intp]) -> Any:
        """Return the model's inputs with other images, and these rows of the other inputs."""
        leaves = self._leaves
        layout = image_layout(np.shape(leaves[self._input_index]))
        first = layout is not None and layout[3]
        perturbed = np.asarray(np.moveaxis(images, -1, 1) if first else images, np.float32)
        leaves = [
            perturbed if index == self._input_index else np.asarray(leaf)[rows]
            for index, leaf in enumerate(leaves)
        ]
        return keras.tree.pack_sequence_as(self.inputs, leaves)
