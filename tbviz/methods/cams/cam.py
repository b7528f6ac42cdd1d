"""Define a class activation map: a layer's maps, weighted by the gradients of the score.

All class activation maps share two steps: the layer's maps get weights, and the positive part of
their weighted sum is shown. A variant overrides one of the two.
"""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Doubles, Floats


@dataclass(frozen=True)
class Evidence:
    """The input of a method, for one layer.

    Attributes:
        activations: The layer's maps, `(images, height, width, channels)`.
        gradients: The derivatives of the score in them, same shape.
        score_gain: `(images, maps, height, width) -> (images, maps)`: the score with the image
            masked by each map, minus the score of the fully masked image; None without a model.
    """

    activations: npt.NDArray[np.floating]
    gradients: npt.NDArray[np.floating]
    score_gain: Callable[[Doubles], Doubles] | None = None


class Cam(ABC):
    """One method: its name, and the step that differs from the others.

    Attributes:
        name: As users write it.
        title: As a caption writes it.
        class_specific: Whether the map depends on the class.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    class_specific: ClassVar[bool] = True

    def weights(self, evidence: Evidence) -> Doubles:
        """Return the weights, `(images, height, width, channels)` or of size 1 along an axis."""
        raise NotImplementedError

    def combine(self, evidence: Evidence) -> Floats:
        """Return the positive part of the weighted sum of the maps.

        Returns:
            `(images, height, width)` float32, at least 0, in the unit of the score, summed in
            float64. NaN stays NaN, so that faulty weights show.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            weighted = self.weights(evidence) * evidence.activations
            # `maximum` of NaN is NaN.
            return np.asarray(np.maximum(weighted.sum(axis=-1), 0), np.float32)

    def target(self, score: str) -> str:
        """Describe the explained quantity; `score` describes the class score."""
        return score


def means(values: npt.NDArray[np.floating]) -> Doubles:
    """Return the mean of each map, `(images, 1, 1, channels)`."""
    return np.asarray(values.mean(axis=(1, 2), keepdims=True, dtype=np.float64))
