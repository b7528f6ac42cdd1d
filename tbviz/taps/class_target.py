"""Aims: which class score of each image is explained, or which difference of two."""

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
"""In place of a class: the one that the model predicts."""

NOTHING = -2
"""In place of the class to compare with: none, the score itself is explained."""


@dataclass(frozen=True)
class ClassTarget:
    """The score that is explained: `score[class] - score[against]`, or that of the class alone.

    Attributes:
        classes: `(images,)`, a class each, or `PREDICTED`.
        against: `(images,)`, a class each, `PREDICTED` or `NOTHING`; `None` for nothing everywhere.
    """

    classes: Integers
    against: Integers | None = None

    def select(self, rows: Sequence[int]) -> ClassTarget:
        """The same of some of the images."""
        against = None if self.against is None else self.against[list(rows)]
        return ClassTarget(self.classes[list(rows)], against)

    def arrays(self, classes: int) -> tuple[Integers, Integers]:
        """Both as arrays for a model of so many classes.

        Raises:
            TbvizError: there is no such class, or the two are not of one length.
        """
        wanted = np.asarray(self.classes, np.int64)
        rivals = np.full_like(wanted, NOTHING) if self.against is None else self.against
        rivals = np.asarray(rivals, np.int64)
        if wanted.ndim != 1 or rivals.shape != wanted.shape:
            msg = (
                f"received classes of shape {wanted.shape} against classes of shape "
                f"{rivals.shape}; expected one class an image in both"
            )
            raise TbvizError(msg)
        for given, least in ((wanted, PREDICTED), (rivals, NOTHING)):
            if given.max(initial=PREDICTED) >= classes or given.min(initial=0) < least:
                msg = f"received classes {given.tolist()}; the model has {classes}, from 0"
                raise TbvizError(msg)
        return wanted, rivals


def predicted(count: int) -> ClassTarget:
    """The predicted class of each of so many images."""
    return ClassTarget(np.full(count, PREDICTED))


def take(scores: Any, classes: Any, against: Any) -> tuple[Any, Any, Any]:
    """The scores aimed at, as tensors, in the middle of a look.

    Args:
        scores: `(images, classes)`.
        classes: as `ClassTarget.arrays` gives them.
        against: likewise.

    Returns:
        The class of each image, what it is compared with (`NOTHING` where with none), and the
        score, `(images,)` each.
    """
    best = ops.cast(ops.argmax(scores, axis=-1), keras.backend.standardize_dtype(classes.dtype))
    chosen = ops.where(classes == PREDICTED, best, classes)
    rivals = ops.where(against == PREDICTED, best, against)
    picked = _of(scores, chosen)
    minus = ops.where(
        rivals == NOTHING, ops.zeros_like(picked), _of(scores, ops.maximum(rivals, 0))
    )
    return chosen, rivals, picked - minus


def _of(scores: Any, classes: Any) -> Any:
    return ops.take_along_axis(scores, ops.expand_dims(classes, -1), axis=-1)[:, 0]
