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


def fault_codes(values: Sequence[Any]) -> Any:
    """See `Backend.faults`, in the middle of a compiled function.

    By `isnan` and `isinf`: what a maximum makes of NaN depends on the processor.
    """
    ops = keras.ops
    return ops.stack(
        [
            ops.where(ops.any(ops.isnan(value)), 2, ops.where(ops.any(ops.isinf(value)), 1, 0))
            for value in values
        ]
    )


def as_numpy(tree: Any) -> Any:
    """A tree of tensors as numpy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)
