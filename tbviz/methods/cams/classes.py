"""Which class of each image is explained: as users say it, and as the model's scores settle it."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Integers
from tbviz.errors import TbvizError
from tbviz.taps.class_target import NOTHING, PREDICTED, ClassTarget


def class_target_of(
    count: int, classes: npt.ArrayLike | None = None, against: npt.ArrayLike | None = None
) -> ClassTarget:
    """The aim for so many images.

    Args:
        count: how many.
        classes: a class for all images, or one for each; the predicted ones unless given.
        against: likewise, what each class is compared with.

    Raises:
        TbvizError: there is not one for each image.
    """
    predicted = PREDICTED if classes is None else classes
    rivals = None if against is None else _one_each("against", against, count)
    return ClassTarget(_one_each("classes", predicted, count), rivals)


def resolve_predictions(class_target: ClassTarget, scores: npt.NDArray[np.floating]) -> ClassTarget:
    """The aim with the predicted classes in place of `PREDICTED`.

    A class is explained for all that is done to an image: one that is predicted anew for each
    noisy copy would be another one for each.

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


def of_class(
    values: npt.NDArray[np.floating], class_target: ClassTarget
) -> npt.NDArray[np.float64]:
    """Of scores of all classes the one aimed at: of the class, or the difference of two.

    Args:
        values: `(images, ..., classes)`.
        class_target: with a class for each image.
    """

    def picked(classes: Integers) -> npt.NDArray[np.float64]:
        places = np.maximum(classes, 0).reshape(-1, *[1] * (values.ndim - 1))
        return np.take_along_axis(values, places, axis=-1)[..., 0].astype(np.float64)

    if class_target.against is None:
        return picked(class_target.classes)
    compared = (class_target.against >= 0).reshape(-1, *[1] * (values.ndim - 2))
    with np.errstate(invalid="ignore", over="ignore"):
        return picked(class_target.classes) - np.where(compared, picked(class_target.against), 0.0)


def in_words(score: str, class_target: ClassTarget) -> str:
    """What is explained; `score` says what a class score of the model is."""
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
