"""Describe the class score of each image that is explained, or the difference of two."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
from keras import ops

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError

PREDICTED = -1
"""The number that stands for the class that the model predicts."""

NOTHING = -2
"""The number that stands for no class to subtract: the score itself is explained."""


@dataclass(frozen=True)
class ClassTarget:
    """The score that is explained: `score[class] - score[against]`, or `score[class]` alone.

    Attributes:
        classes: `(images,)`, a class per image, or `PREDICTED`.
        against: `(images,)`, a class per image, `PREDICTED` or `NOTHING`; None is `NOTHING`
            for all.
        output: Index of the model's output whose classes these are.
    """

    classes: Integers
    against: Integers | None = None
    output: int = 0

    @property
    def key(self) -> tuple[Any, ...]:
        """Return a hashable key, equal for equal targets."""
        against = None if self.against is None else self.against.tobytes()
        return self.classes.tobytes(), against, self.output

    def arrays(self, classes: int) -> tuple[Integers, Integers]:
        """Return both as arrays for a model of so many classes.

        Raises:
            TbvizError: If there is no such class, or the two are not of one length.
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
                msg = (
                    f"received classes {given.tolist()}; the model has {classes} classes, expected "
                    f"0 to {classes - 1}"
                )
                raise TbvizError(msg)
        return explained, rivals


def resolve_predictions(class_target: ClassTarget, scores: npt.NDArray[np.floating]) -> ClassTarget:
    """Return the class target with the predicted classes in place of `PREDICTED`.

    The same class is explained for all perturbations of an image: predicted anew, it could differ
    for each noisy copy.

    Args:
        class_target: The class target of these images.
        scores: `(images, classes)` of the images as they are. NaN is predicted last.

    Raises:
        TbvizError: If the model has no such class.
    """
    classes, against = class_target.arrays(scores.shape[-1])
    best = np.argsort(-scores, axis=-1, kind="stable")[:, 0]
    rivals = np.where(against == PREDICTED, best, against)
    return dataclasses.replace(
        class_target,
        classes=np.where(classes == PREDICTED, best, classes),
        against=None if np.all(rivals == NOTHING) else rivals,
    )


def take(scores: Any, classes: Any, against: Any) -> tuple[Any, Any, Any]:
    """Return the target scores, as tensors inside a pass.

    Args:
        scores: `(images, classes)`.
        classes: The classes, as `ClassTarget.arrays` returns them.
        against: The subtracted classes, in the same form.

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


def target_scores(
    values: npt.NDArray[np.floating], class_target: ClassTarget
) -> npt.NDArray[np.float64]:
    """Return the target score from the scores of all classes, or the difference of two.

    Args:
        values: `(images, ..., classes)`.
        class_target: A class target with one class per image.
    """

    def picked(classes: Integers) -> npt.NDArray[np.float64]:
        indices = np.maximum(classes, 0).reshape(-1, *[1] * (values.ndim - 1))
        return np.take_along_axis(values, indices, axis=-1)[..., 0].astype(np.float64)

    if class_target.against is None:
        return picked(class_target.classes)
    compared = (class_target.against >= 0).reshape(-1, *[1] * (values.ndim - 2))
    with np.errstate(invalid="ignore", over="ignore"):
        return picked(class_target.classes) - np.where(compared, picked(class_target.against), 0.0)


def describe_target(score: str, class_target: ClassTarget) -> str:
    """Describe the explained quantity; `score` describes a class score of the model."""
    return score if class_target.against is None else f"{score}, less that of another class"
