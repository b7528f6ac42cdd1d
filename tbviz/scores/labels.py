"""Read labels and class names from what a model is trained with: of one output, or by output."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.class_names import class_name
from tbviz.errors import TbvizError
from tbviz.taps.final_outputs import OutputName

_REMEDY = "pass one whole number per image, counted from 0, or one-hot rows"


@dataclass(frozen=True)
class NoClasses:
    """The reason why labels are no classes, and what to pass instead."""

    why: str
    remedy: str = _REMEDY


Labels = list[int] | tuple[str, ...] | NoClasses | None
"""The class of each image, by number or by name; the reason if they are no classes; None if there
are no labels."""


def read_labels(labels: Any, count: int) -> Labels:
    """Return the class of each image, as far as the labels of one output tell.

    Args:
        labels: Whole numbers `(images,)` or `(images, 1)`, one-hot rows or distributions
            `(images, classes)`, or names of classes. None if there are none.
        count: How many images there are.

    Raises:
        TbvizError: If there is not one for each image.
    """
    if labels is None:
        return None
    listed = labels if isinstance(labels, tuple | list) else ()
    unknown = [row for row, label in enumerate(listed) if label is None]
    if unknown:
        msg = (
            f"labels received None for images {unknown}; expected one class per image, or no labels"
        )
        raise TbvizError(msg)
    values = as_array(labels)
    if values.ndim == 0 or len(values) != count:
        given = f"{len(values)} values" if values.ndim else "a single value"
        msg = (
            f"labels received {given} for {count} images; expected one label per image (for a "
            "model of several outputs, a dict with the labels of each output by its name)"
        )
        raise TbvizError(msg)
    if values.dtype.kind in "OUS":
        return _texts(values)
    if values.dtype.kind not in "biuf" and values.dtype.name != "bfloat16":
        return NoClasses(f"they are of type {values.dtype}")
    if values.ndim > 2 and values[0].size > 1:
        return NoClasses(f"they have the shape {values.shape[1:]} per image")
    values = values.reshape(count, -1)
    if values.shape[1] > 1:
        return _of_rows(values)
    return _of_numbers(values[:, 0])


def first_labels(labels: Labels, count: int) -> Labels:
    """Return the labels of the first images."""
    return labels[:count] if isinstance(labels, list | tuple) else labels


def is_array(value: Any) -> bool:
    """Tell whether a value is an array or tensor, which can be cut."""
    return hasattr(value, "shape") and hasattr(value, "dtype")


def as_array(labels: Any) -> npt.NDArray[Any]:
    """Return labels as a numpy array; lists of different lengths as an array of lists."""
    if hasattr(labels, "numpy"):
        return np.asarray(keras.ops.convert_to_numpy(labels) if _is_number(labels) else labels)
    try:
        return np.asarray(labels)
    except ValueError:  # lists of different lengths
        values = np.empty(len(labels), object)
        values[:] = list(labels)
        return values


def _is_number(tensor: Any) -> bool:
    return "string" not in str(getattr(tensor, "dtype", ""))


def _texts(values: npt.NDArray[Any]) -> Labels:
    listed = values.reshape(len(values), -1)
    parts = [row[0] if len(row) == 1 else None for row in listed]
    if all(isinstance(part, str | bytes) for part in parts):
        return tuple(
            part.decode("utf-8", "replace") if isinstance(part, bytes) else str(part)
            for part in parts
        )
    return NoClasses(f"they hold values such as {listed[0].tolist()!r}")


def _of_rows(rows: npt.NDArray[Any]) -> Labels:
    rows = rows.astype(np.float64)
    with np.errstate(all="ignore"):
        sums = rows.sum(axis=1)
        one_hot = np.all(rows >= 0) and np.all(np.abs(sums - 1) < 1e-3)
    if one_hot:
        return [int(label) for label in rows.argmax(axis=1)]
    row = rows[~((np.abs(sums - 1) < 1e-3) & (rows >= 0).all(axis=1))][0]
    shown = ", ".join(f"{value:g}" for value in row[:8])
    return NoClasses(
        f"their rows are not one-hot, such as [{shown}{', ...' if len(row) > 8 else ''}]"
    )


def _of_numbers(values: npt.NDArray[Any]) -> Labels:
    with np.errstate(all="ignore"):
        whole = np.equal(np.mod(values, 1), 0) if values.dtype != bool else np.True_
    if np.all(whole):
        return [int(label) for label in values]
    return NoClasses(f"they are not whole numbers, such as {float(values[~whole][0]):g}")


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
