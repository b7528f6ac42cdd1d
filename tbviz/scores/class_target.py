"""Class targets: which class score of each image is explained, or which difference of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError

PREDICTED = -1
"""Stands for the class that the model predicts."""

NOTHING = -2
"""Stands for no class to compare with: the score itself is explained."""


@dataclass(frozen=True)
class ClassTarget:
    """The score that is explained: `score[class] - score[against]`, or that of the class alone.

    Attributes:
        classes: `(images,)`, a class per image, or `PREDICTED`.
        against: `(images,)`, a class per image, `PREDICTED` or `NOTHING`; `None` is `NOTHING`
            for all.
    """

    classes: Integers
    against: Integers | None = None

    def select(self, rows: Sequence[int]) -> ClassTarget:
        """Return the target of some of the images."""
        against = None if self.against is None else self.against[list(rows)]
        return ClassTarget(self.classes[list(rows)], against)

    def arrays(self, classes: int) -> tuple[Integers, Integers]:
        """Return both as arrays for a model of so many classes.

        Raises:
            TbvizError: there is no such class, or the two are not of one length.
        """
        explained = np.asarray(self.classes, np.int64)
        rivals = np.full_like(explained, NOTHING) if self.against is None else self.against
        rivals = np.asarray(rivals, np.int64)
        if explained.ndim != 1 or rivals.shape != explained.shape:
            msg = (
                f"received classes of shape {explained.shape} against classes of shape "
                f"{rivals.shape}; expected one class per image in both"
            )
            raise TbvizError(msg)
        for given, lowest in ((explained, PREDICTED), (rivals, NOTHING)):
            if given.max(initial=PREDICTED) >= classes or given.min(initial=0) < lowest:
                msg = f"received classes {given.tolist()}; the model has {classes}, from 0"
                raise TbvizError(msg)
        return explained, rivals


def predicted(count: int) -> ClassTarget:
    """Return the target of the predicted class for so many images."""
    return ClassTarget(np.full(count, PREDICTED))


def take(scores: Any, classes: Any, against: Any) -> tuple[Any, Any, Any]:
    """Return the target scores, as tensors inside a pass.

    Args:
        scores: `(images, classes)`.
        classes: as `ClassTarget.arrays` returns them.
        against: likewise.

    Returns:
        The class of each image, the class that it is compared with (or `NOTHING`), and
        the score, `(images,)` each.
    """
    best = ops.cast(ops.argmax(scores, axis=-1), keras.backend.standardize_dtype(classes.dtype))
    selected = ops.where(classes == PREDICTED, best, classes)
    rivals = ops.where(against == PREDICTED, best, against)
    picked = _scores_at(scores, selected)
    minus = ops.where(
        rivals == NOTHING, ops.zeros_like(picked), _scores_at(scores, ops.maximum(rivals, 0))
    )
    return selected, rivals, picked - minus


def _scores_at(scores: Any, classes: Any) -> Any:
    return ops.take_along_axis(scores, ops.expand_dims(classes, -1), axis=-1)[:, 0]
