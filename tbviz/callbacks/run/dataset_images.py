"""The images that are taken from a dataset: few, and of as many classes as it has."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

import keras
import numpy as np

from tbviz.callbacks.run.labels import classes_of
from tbviz.errors import TbvizError

COUNT = 8
"""How many images are taken."""

MAX_READ = 512
"""How many images are read at most to find some of each class."""


class _Image(NamedTuple):
    inputs: list[Any]
    label: int | None


class Taken(NamedTuple):
    """What was taken from a dataset.

    Args:
        inputs: Arrays with the images along the first axis, in the structure of the dataset.
        labels: The class of each image, `None` if the dataset has no classes.
    """

    inputs: Any
    labels: list[int] | None


def take_images(batches: Iterable[tuple[Any, Any]], *, classes_in_turn: bool) -> Taken:
    """Take images from the first batches of a dataset.

    The classes come in the order in which they first appear: the first image of each, then the
    second of each.

    Args:
        batches: `(inputs, labels)`, arrays.
        classes_in_turn: Whether to take the classes in turn. Otherwise the first images are taken.

    Raises:
        TbvizError: If there is no image.
    """
    by_class: dict[int | None, list[_Image]] = {}
    structure: Any = None
    read = 0
    for inputs, labels in batches:
        leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(inputs)]
        structure = inputs if structure is None else structure
        count = _count(leaves)
        classes = classes_of(labels, count) if classes_in_turn else None
        for row in range(count):
            label = None if classes is None else classes[row]
            images = by_class.setdefault(label, [])
            if len(images) < COUNT:
                images.append(_Image([leaf[row].copy() for leaf in leaves], label))
        read += count
        enough = len(by_class) >= COUNT or len(by_class.get(None, ())) >= COUNT
        if enough or read >= MAX_READ:
            break
    turns = itertools.zip_longest(*by_class.values())
    taken = [image for image in itertools.chain.from_iterable(turns) if image is not None][:COUNT]
    if not taken:
        raise TbvizError("images received an empty dataset; it needs at least one batch")
    stacked = [np.stack(column) for column in zip(*(image.inputs for image in taken), strict=True)]
    known = [image.label for image in taken if image.label is not None]
    return Taken(
        keras.tree.pack_sequence_as(structure, stacked), known if len(known) == len(taken) else None
    )


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


def _count(leaves: list[Any]) -> int:
    """Return how many images a batch has.

    Raises:
        TbvizError: If its arrays have no first axis in common.
    """
    shapes = [leaf.shape for leaf in leaves]
    counts = {shape[0] if shape else 0 for shape in shapes}
    if len(counts) != 1 or 0 in counts:
        msg = f"images received arrays of shapes {shapes}; all need the same first axis, above 0"
        raise TbvizError(msg)
    return int(counts.pop())
