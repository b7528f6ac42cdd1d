"""Labels of probe images: one class each, from whatever targets a model is trained with."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tbviz.errors import TbvizError


def classes_of(labels: Any, count: int) -> list[int] | None:
    """Return the class of each image.

    Args:
        labels: whole numbers `(images,)` or `(images, 1)`, one-hot rows or distributions
            `(images, classes)`, or a tuple of targets for the outputs of a model, of which the
            first counts (it is the one that is explained).
        count: how many images there are.

    Returns:
        A class each, or `None` where the targets are no classes: a regression, a class a pixel,
        targets by name.

    Raises:
        TbvizError: there is not one for each image.
    """
    labels = _of_first_output(labels, count)
    if labels is None or isinstance(labels, dict):
        return None
    listed = labels if isinstance(labels, tuple | list) else ()
    unknown = [row for row, label in enumerate(listed) if label is None]
    if unknown:
        msg = f"labels received None for images {unknown}; expected a class for each, or no labels"
        raise TbvizError(msg)
    values = np.asarray(keras.ops.convert_to_numpy(labels) if hasattr(labels, "numpy") else labels)
    if values.ndim == 0 or len(values) != count:
        given = f"{len(values)} values" if values.ndim else "a single value"
        msg = f"labels received {given} for {count} images; expected one each"
        raise TbvizError(msg)
    if not np.issubdtype(values.dtype, np.number) and values.dtype != bool:
        return None
    if values.ndim > 2 and values[0].size > 1:  # a target a pixel
        return None
    values = values.reshape(count, -1)
    if values.shape[1] > 1:
        sums = values.astype(np.float64).sum(axis=1)
        one_hot = np.all(values >= 0) and np.all(np.abs(sums - 1) < 1e-3)
        return [int(label) for label in values.argmax(axis=1)] if one_hot else None
    if not np.all(np.equal(np.mod(values, 1), 0)):
        return None
    return [int(label) for label in values[:, 0]]


def is_array(value: Any) -> bool:
    """Return whether a value is an array or tensor already, which can be cut."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _of_first_output(labels: Any, count: int) -> Any:
    if not isinstance(labels, tuple | list) or not labels:
        return labels
    whole = all(is_array(part) and tuple(part.shape[:1]) == (count,) for part in labels)
    # As many arrays as images in a list are one-hot rows.
    by_output = whole and (isinstance(labels, tuple) or len(labels) != count)
    return labels[0] if by_output else labels
