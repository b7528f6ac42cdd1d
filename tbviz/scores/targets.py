"""Class targets: which class of each image is explained, as users write it or as predicted."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError
from tbviz.scores.class_target import NOTHING, PREDICTED, ClassTarget


def class_target_of(
    count: int, classes: npt.ArrayLike | None = None, against: npt.ArrayLike | None = None
) -> ClassTarget:
    """Return the class target of so many images.

    Args:
        count: how many.
        classes: a class for all images, or one for each; the predicted ones unless given.
        against: likewise, the class that each is compared with.

    Raises:
        TbvizError: there is not one for each image.
    """
    predicted = PREDICTED if classes is None else classes
    rivals = None if against is None else _one_each("against", against, count)
    return ClassTarget(_one_each("classes", predicted, count), rivals)


def resolve_predictions(class_target: ClassTarget, scores: npt.NDArray[np.floating]) -> ClassTarget:
    """Return the class target with the predicted classes in place of `PREDICTED`.

    The same class is explained for all perturbations of an image: predicted anew, it could differ
    for each noisy copy.

    Args:
        class_target: of these images.
        scores: `(images, classes)` of the images as they are. NaN is predicted last.

    Raises:
        TbvizError: the model has no such class.
    """
    classes, against = class_target.arrays(scores.shape[-1])
    best = np.argsort(-scores, axis=-1, kind="stable")[:, 0]
    rivals = np.where(against == PREDICTED, best, against)
    return dataclasses.replace(
        class_target,
        classes=np.where(classes == PREDICTED, best, classes),
        against=None if np.all(rivals == NOTHING) else rivals,
    )


def target_scores(
    values: npt.NDArray[np.floating], class_target: ClassTarget
) -> npt.NDArray[np.float64]:
    """Return the target score from the scores of all classes, or the difference of two.

    Args:
        values: `(images, ..., classes)`.
        class_target: with a class for each image.
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


def _one_each(name: str, given: npt.ArrayLike, count: int) -> Integers:
    classes = np.asarray(given)
    if classes.shape not in ((), (count,)) or not np.issubdtype(classes.dtype, np.integer):
        msg = (
            f"received {name} of shape {classes.shape} and type {classes.dtype}; expected one "
            f"class as a whole number, or ({count},) of them"
        )
        raise TbvizError(msg)
    return np.broadcast_to(classes, (count,)).astype(np.int64)
