"""What the backends share."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
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


def all_finite(values: Sequence[Any]) -> Any:
    """See `Backend.finite`, in the middle of a compiled function.

    By `isfinite`: what a maximum makes of NaN depends on the processor.
    """
    return keras.ops.stack([keras.ops.all(keras.ops.isfinite(value)) for value in values])


def as_numpy(tree: Any) -> Any:
    """A tree of tensors as numpy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)
