"""Take a few images from a dataset, of as many classes as it has."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import keras
import numpy as np

from tbviz.errors import TbvizError
from tbviz.scores.given_classes import given_classes

COUNT = 8
"""How many images are taken."""

MAX_READ = 512
"""How many images are read at most to find some of each class."""


class _Image(NamedTuple):
    inputs: list[Any]
    labels: list[Any]


def take_images(
    batches: Iterable[tuple[Any, Any]], class_names: Any = None, *, classes_in_turn: bool
) -> tuple[Any, Any]:
    """Take images from the first batches of a dataset.

    The classes come in the order in which they first appear: the first image of each, then the
    second of each.

    Args:
        batches: `(inputs, labels)`, arrays in any structure; None instead of labels.
        class_names: The name of each class, for labels that are names. Defaults to None.
        classes_in_turn: Whether to take the classes in turn. Otherwise the first images are taken.

    Returns:
        The inputs and the labels of the images, in the structures of the dataset.

    Raises:
        TbvizError: If there is no image.
    """
    by_class: dict[int | None, list[_Image]] = {}
    structures: tuple[Any, Any] = None, None
    read = 0
    for inputs, labels in batches:
        structures = structures if read else (inputs, labels)
        columns = keras.tree.flatten(inputs)
        count = count_images(columns)
        known = [] if labels is None else keras.tree.flatten(labels)
        classes = None
        if classes_in_turn:
            classes = given_classes(labels, class_names, count).of_unknown_model().labels
        for row in range(count):
            images = by_class.setdefault(None if classes is None else classes[row], [])
            if len(images) < COUNT:
                images.append(_Image(_row(columns, row), _row(known, row)))
        read += count
        enough = len(by_class) >= COUNT or len(by_class.get(None, ())) >= COUNT
        if enough or read >= MAX_READ:
            break
    turns = itertools.zip_longest(*by_class.values())
    taken = [image for image in itertools.chain.from_iterable(turns) if image is not None][:COUNT]
    if not taken:
        raise TbvizError("images received an empty dataset; it needs at least one batch")
    inputs = _stacked(structures[0], [image.inputs for image in taken])
    if inputs is None:
        sizes = sorted({column.shape for image in taken for column in image.inputs})
        msg = f"images received a dataset of images of shapes {sizes}; give all of them one size"
        raise TbvizError(msg)
    return inputs, _stacked(structures[1], [image.labels for image in taken])


def _row(columns: list[Any], row: int) -> list[Any]:
    return [np.asarray(column)[row].copy() for column in columns]


def _stacked(structure: Any, rows: list[list[Any]]) -> Any:
    """Return rows as arrays, None if there is nothing or if their shapes differ."""
    columns = list(zip(*rows, strict=True))
    if structure is None or any(len({one.shape for one in column}) > 1 for column in columns):
        return None
    return keras.tree.pack_sequence_as(structure, [np.stack(column) for column in columns])


def batches_of(dataset: Any) -> Iterator[Any]:
    """Yield the batches of a `tf.data.Dataset` or a `keras.utils.PyDataset`."""
    if not isinstance(dataset, keras.utils.PyDataset):
        yield from dataset
        return
    count = None
    with suppress(NotImplementedError):
        count = dataset.num_batches
    for index in itertools.count() if count is None else range(count):
        yield dataset[index]


def count_images(leaves: list[Any]) -> int:
    """Return how many images a batch has.

    Raises:
        TbvizError: If its arrays have no first axis in common.
    """
    shapes = [tuple(leaf.shape) for leaf in leaves]
    counts = {shape[0] if shape else 0 for shape in shapes}
    if len(counts) != 1 or 0 in counts:
        msg = f"images received arrays of shapes {shapes}; all need the same first axis, above 0"
        raise TbvizError(msg)
    return int(counts.pop())
