"""Share functions between the backends."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import keras


def alive(held: weakref.ref[Any]) -> Any:
    """Return the model that a pass was compiled for.

    Raises:
        ReferenceError: If it is gone.
    """
    model = held()
    if model is None:
        msg = "the model that this pass was compiled for was deleted; compile a new pass"
        raise ReferenceError(msg)
    return model


def all_finite(values: Sequence[Any]) -> Any:
    """Check values inside a compiled function; see `Backend.compile_finite_check`.

    It uses `isfinite`: the maximum of NaN depends on the processor.
    """
    return keras.ops.stack([keras.ops.all(keras.ops.isfinite(value)) for value in values])


def as_numpy(tree: Any) -> Any:
    """Convert a tree of tensors to numpy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)
