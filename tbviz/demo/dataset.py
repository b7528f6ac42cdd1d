"""Describe the images that a demo trains on, validates with and probes."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Dataset(NamedTuple):
    """Pictures with labels in three parts that share no picture.

    Images are `uint8` of shape (count, height, width, channels) with values from 0 to 255, labels
    are `int64` of shape (count,) and index `class_names`.
    """

    name: str
    class_names: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    validation_images: NDArray[np.uint8]
    validation_labels: NDArray[np.int64]
    probe_images: NDArray[np.uint8]
    probe_labels: NDArray[np.int64]
