"""Load handwritten digits: a part of MNIST, 28 x 28 gray pixels, which Keras downloads once.

No digit is part of tbviz: MNIST may be passed on only under its own license, CC BY-SA.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

import numpy as np
from numpy.typing import NDArray

from tbviz.demo.dataset import Dataset
from tbviz.errors import TbvizError

NAMES = tuple(str(digit) for digit in range(10))
PROBED = (2, 3, 5, 7, 8, 9)  # curved and straight strokes, open and closed loops

_Labeled = tuple[NDArray[np.uint8], NDArray[np.uint8]]


def load(train: int = 400, validation: int = 100, seed: int = 0) -> Dataset:
    """Draw digits from MNIST; the probes are the first test example of a few classes.

    Args:
        train: Training examples per class, from MNIST's own training part. Defaults to 400.
        validation: Validation examples per class, from MNIST's test part. Defaults to 100.
        seed: The same seed draws the same digits. Defaults to 0.

    Raises:
        TbvizError: If MNIST is not in the cache of Keras and cannot be downloaded.
    """
    training, testing = _mnist()
    random = np.random.default_rng(seed)
    trained = _draw(random, training[1], train)
    held_out = _draw(random, testing[1], validation + 1)
    probes = np.array([held_out[digit][0] for digit in PROBED])
    return Dataset(
        "digits",
        NAMES,
        *_pictures(training, np.sort(np.concatenate(trained))),
        *_pictures(testing, np.concatenate([indices[1:] for indices in held_out])),
        *_pictures(testing, probes),
    )


def _mnist() -> tuple[_Labeled, _Labeled]:
    import keras

    try:
        return cast(tuple[_Labeled, _Labeled], keras.datasets.mnist.load_data())
    except Exception as error:
        cache = Path(os.environ.get("KERAS_HOME", "~/.keras"), "datasets").expanduser()
        raise TbvizError(
            f"received no MNIST digits from keras.datasets ({error}), expected a network or "
            f"the file mnist.npz in {cache}; connect once, copy the file there, or leave "
            "--digits out and train on the photographs"
        ) from error


def _draw(
    random: np.random.Generator, labels: NDArray[np.uint8], count: int
) -> list[NDArray[np.int64]]:
    """Draw the indices of at most so many examples of each class."""
    order = random.permutation(len(labels))
    return [order[labels[order] == digit][:count] for digit in range(10)]


def _pictures(
    part: _Labeled, indices: NDArray[np.int64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    images, labels = part
    return images[indices][..., None], labels[indices].astype(np.int64)
