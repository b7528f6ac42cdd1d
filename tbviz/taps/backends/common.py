"""What the backends share."""

from __future__ import annotations

import weakref
from typing import Any

import keras


def alive(held: weakref.ref[Any]) -> Any:
    """The model that a look was compiled for.

    Raises:
        ReferenceError: it is gone.
    """
    model = held()
    if model is None:
        msg = "the model that this look was compiled for is gone; make a new one"
        raise ReferenceError(msg)
    return model


def as_numpy(tree: Any) -> Any:
    """A tree of tensors as numpy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)
