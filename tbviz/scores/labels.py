"""Read labels and class names, by output of the model, from what a model is trained with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any, TypeVar

import keras
import numpy as np

from tbviz.class_names import class_name
from tbviz.errors import TbvizError
from tbviz.taps.final_outputs import FinalOutput, OutputName

_Value = TypeVar("_Value")


def classes_of(labels: Any, count: int) -> list[int] | None:
    """Return the class of each image.

    Args:
        labels: Whole numbers `(images,)` or `(images, 1)`, one-hot rows or distributions
            `(images, classes)`, or a tuple of targets for the outputs of a model, of which the
            first counts (it is the one that is explained).
        count: How many images there are.

    Returns:
        A class each, or None where the targets are no classes: a regression, a class a pixel,
        targets by name.

    Raises:
        TbvizError: If there is not one for each image.
    """
    if _is_by_output(labels, count):
        labels = labels[0]
    if labels is None or isinstance(labels, dict):
        return None
    listed = labels if isinstance(labels, tuple | list) else ()
    unknown = [row for row, label in enumerate(listed) if label is None]
    if unknown:
        msg = (
            f"labels received None for images {unknown}; expected one class per image, or no labels"
        )
        raise TbvizError(msg)
    values = np.asarray(keras.ops.convert_to_numpy(labels) if hasattr(labels, "numpy") else labels)
    if values.ndim == 0 or len(values) != count:
        given = f"{len(values)} values" if values.ndim else "a single value"
        msg = f"labels received {given} for {count} images; expected one label per image"
        raise TbvizError(msg)
    if not np.issubdtype(values.dtype, np.number) and values.dtype != bool:
        return None
    if values.ndim > 2 and values[0].size > 1:  # one target per pixel
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
    """Tell whether a value is an array or tensor, which can be cut."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def labels_by_output(labels: Any, count: int) -> dict[OutputName, list[int] | None]:
    """Return the classes of the images by output; an empty dict if labels are not given by output.

    Args:
        labels: A dict by name of the output, a tuple or list of arrays in the order of the
            outputs, or labels as `classes_of` takes them, which belong to a single output.
        count: The number of images.

    Raises:
        TbvizError: If there is not one label per image.
    """
    if isinstance(labels, dict):
        return {name: classes_of(part, count) for name, part in labels.items()}
    if _is_by_output(labels, count):
        return {index: classes_of(part, count) for index, part in enumerate(labels)}
    return {}


def _is_by_output(labels: Any, count: int) -> bool:
    if not isinstance(labels, tuple | list) or not labels:
        return False
    whole = all(is_array(part) and tuple(part.shape[:1]) == (count,) for part in labels)
    # As many arrays as images in a list are one-hot rows.
    return whole and (isinstance(labels, tuple) or len(labels) != count)


def class_names_of(names: Any) -> list[str] | None:
    """Return the names of the classes of one output, in the order of the classes.

    Args:
        names: A sequence of names, or a dict of names to class indices or of indices to names.
            None if there are none, or if they are given by output.

    Raises:
        TbvizError: If two names have the same index, an index is below 0, or these are no names in
            an order, such as a set.
    """
    if names is None or (isinstance(names, Mapping) and not _is_one_output(names)):
        return None
    if not isinstance(names, Mapping):
        if isinstance(names, str | bytes | AbstractSet) or not isinstance(names, Iterable):
            msg = (
                f"class_names received {names!r}; expected a list with the name of each class, in "
                "the order of the classes, such as ['cat', 'dog']"
            )
            raise TbvizError(msg)
        return [str(name) for name in names]
    if all(map(_is_index, names)):
        names = {name: index for index, name in names.items()}
    by_index = {int(index): str(name) for name, index in names.items()}
    if len(by_index) < len(names) or min(by_index, default=0) < 0:
        msg = f"class_names received {dict(names)}; expected one index per name, counted from 0"
        raise TbvizError(msg)
    return [class_name(index, by_index) for index in range(max(by_index, default=-1) + 1)]


def class_names_by_output(names: Any) -> dict[OutputName, list[str] | None]:
    """Return the names of the classes by output; an empty dict if they are not given by output.

    Args:
        names: A dict by name or index of the output, whose values are as `class_names_of` takes
            them; or the names of a single output.

    Raises:
        TbvizError: If the names of one output cannot be used.
    """
    if not isinstance(names, Mapping) or _is_one_output(names):
        return {}
    return {output: class_names_of(part) for output, part in names.items()}


def _is_one_output(names: Mapping[Any, Any]) -> bool:
    return all(map(_is_index, names.values())) or (
        all(map(_is_index, names)) and all(isinstance(name, str) for name in names.values())
    )


def _is_index(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def of_output(
    by_output: Mapping[OutputName, _Value], single: _Value, final: FinalOutput, default: int
) -> _Value | None:
    """Return the labels of one output, or the names of its classes.

    Args:
        by_output: Values by name or index of the output; empty if they are given for a single
            output.
        single: The value for a single output.
        final: The output.
        default: Index of the output that `single` belongs to.
    """
    if not by_output:
        return single if final.index == default else None
    names = [name for name in (final.key, final.name, final.index) if name is not None]
    return next((by_output[name] for name in names if name in by_output), None)
