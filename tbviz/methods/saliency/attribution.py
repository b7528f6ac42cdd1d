"""Define an attribution: it divides the class score of an image among its pixels."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar, NamedTuple

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Doubles, Floats
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.scores.class_target import ClassTarget


class Attributed(NamedTuple):
    """The attribution to each pixel.

    Attributes:
        maps: `(images, height, width)` at the input's size; NaN stays NaN.
        completeness: For methods whose maps add up to a difference of scores, the share of it that
            they reach: 1 is all of it; `(images,)`.
    """

    maps: Floats
    completeness: Doubles | None = None


class Attribution(ABC):
    """One method; its settings are its arguments.

    Attributes:
        name: As users write it.
        title: As a caption writes it.
        signed: Whether negative values (against the class) mean something.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    signed: ClassVar[bool] = False

    @abstractmethod
    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps.

        Args:
            perturbed: The model and the images.
            class_target: With a class for each image.

        Raises:
            TbvizError: If none of the model's inputs is a batch of images.
        """

    def target(self, score: str) -> str:
        """Describe the explained quantity; `score` describes the class score."""
        return score


def largest(gradients: npt.NDArray[np.floating]) -> Floats:
    """Return the largest absolute value over the colors of each pixel."""
    return np.asarray(np.abs(gradients).max(axis=-1), np.float32)


def total(values: npt.NDArray[np.floating]) -> Floats:
    """Return the sum over the colors of each pixel."""
    with np.errstate(invalid="ignore", over="ignore"):
        return np.asarray(values.sum(axis=-1, dtype=np.float64), np.float32)
