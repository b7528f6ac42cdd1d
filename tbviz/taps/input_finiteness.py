"""Find the images of a batch that hold NaN or infinity, before the model runs.

The results of such an image are set to NaN. A pass alone does not show it: some processors turn NaN
into 0 in a fused convolution and ReLU.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

from tbviz.arrays.types import Bools
from tbviz.taps.weight_finiteness import is_float

CAUSE = "the image contains NaN or infinity"
"""The reason for results that are not finite, as a part of a sentence."""


def faulty_images(inputs: Any) -> Bools:
    """Return which images of a batch are not finite, `(images,)`.

    Args:
        inputs: In the model's structure; an image counts if one of its inputs is not finite.
    """
    leaves = [np.asarray(leaf) for leaf in keras.tree.flatten(inputs)]
    count = len(leaves[0]) if leaves and leaves[0].ndim else 0
    faulty = np.zeros(count, bool)
    for leaf in leaves:
        if is_float(leaf) and leaf.ndim and len(leaf) == count:
            flat = leaf.reshape(count, -1)
            faulty |= ~np.isfinite(flat).all(axis=1)
    return faulty


def propagate_images(faulty: Bools, tree: Any) -> Any:
    """Return float arrays with NaN in the rows that belong to images that are not finite.

    Args:
        faulty: Of each image whether it is not finite.
        tree: Arrays with the images along the first axis, or several rows of each image.
    """
    if not faulty.any():
        return tree

    def spoiled(array: Any) -> Any:
        count = len(array) if np.ndim(array) else 0
        if count == 0 or count % len(faulty) or not is_float(np.asarray(array)):
            return array
        array = np.array(array)
        array[np.repeat(faulty, count // len(faulty))] = np.nan
        return array

    return keras.tree.map_structure(spoiled, tree)
