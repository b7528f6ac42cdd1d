"""(a layer's maps, how the score moves with them) => where in the picture the score comes from.

All class activation maps share two steps: something weighs the layer's maps, and what is positive
in their weighted sum is shown. A variant overrides one of the two.
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
    """What a method may look at, of one layer.

    Attributes:
        activations: the layer's maps, `(images, height, width, channels)`.
        gradients: the derivatives of the score in them, same shape.
        through: `(images, maps, height, width) -> (images, maps)`: how much the score rises over
            that of the hidden image where the model sees each image through each of these maps;
            `None` where there is no model to ask.
    """

    activations: npt.NDArray[np.floating]
    gradients: npt.NDArray[np.floating]
    through: Callable[[Doubles], Doubles] | None = None


class Cam(ABC):
    """One method; its name, and the step that makes it another one.

    Attributes:
        name: as users write it.
        title: as a caption writes it.
        of_class: whether the map depends on the class.
        many_passes: whether each image takes many passes of the model.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    of_class: ClassVar[bool] = True
    many_passes: ClassVar[bool] = False

    def weights(self, evidence: Evidence) -> Doubles:
        """What each map counts: `(images, height, width, channels)` or of size 1 along an axis."""
        raise NotImplementedError

    def combine(self, evidence: Evidence) -> Floats:
        """The positive part of the weighted sum of the maps.

        Returns:
            `(images, height, width)` float32, at least 0, in the unit of the score, summed in
            float64. NaN stays NaN, so that a broken network shows.
        """
        with np.errstate(invalid="ignore", over="ignore"):
            has_kernel = self.weights(evidence) * evidence.activations
            # `maximum` of NaN is NaN.
            return np.asarray(np.maximum(has_kernel.sum(axis=-1), 0), np.float32)

    def target(self, score: str) -> str:
        """What the map explains, in words; `score` says what the gradients are of."""
        return score


def means(values: npt.NDArray[np.floating]) -> Doubles:
    """The mean of each map, `(images, 1, 1, channels)`."""
    return np.asarray(values.mean(axis=(1, 2), keepdims=True, dtype=np.float64))
