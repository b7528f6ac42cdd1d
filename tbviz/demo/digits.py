"""Handwritten digits: 5,000 of MNIST's, 28 x 28 pixels in gray.

Where they come from, and their license: `SOURCES.md` beside this file.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tbviz.demo.dataset import Dataset

FILE = Path(__file__).parent / "mnist_5k.npz"
NAMES = tuple(str(digit) for digit in range(10))
PROBED = (2, 3, 5, 7, 8, 9)  # curved and straight strokes, open and closed loops


def load(validation: int = 100, seed: int = 0) -> Dataset:
    """Split the digits; the probes are the first validation example of a few classes.

    Args:
        validation: validation examples per class, of 500; the others but the probe are trained on.
        seed: the same seed splits in the same way.
    """
    with np.load(FILE) as arrays:
        images, labels = arrays["images"][..., None], arrays["labels"].astype(np.int64)
    order = np.random.default_rng(seed).permutation(len(labels))
    held_out = [order[labels[order] == digit][: validation + 1] for digit in range(10)]
    probes = np.array([held_out[digit][0] for digit in PROBED])
    validating = np.concatenate([indices[1:] for indices in held_out])
    training = np.setdiff1d(order, np.concatenate(held_out))
    return Dataset(
        "digits",
        NAMES,
        *(images[training], labels[training]),
        *(images[validating], labels[validating]),
        *(images[probes], labels[probes]),
    )
