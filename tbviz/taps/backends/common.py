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


def contents(values: Iterable[Any], inside: Callable[[Any], Iterable[Any] | None]) -> list[Any]:
    """Return the values in containers, and in what `inside` opens, each once.

    Keras walks layers itself: they are returned as they are.

    Args:
        values: Such as the attributes of a layer.
        inside: Returns what a value holds, None if it is not to be opened.
    """
    found: list[Any] = []
    seen: set[int] = set()

    def visit(value: Any, depth: int) -> None:
        if id(value) in seen or depth > _DEPTH:
            return
        seen.add(id(value))
        held: Iterable[Any] | None = None
        if isinstance(value, Mapping):
            held = list(value.values())
        elif isinstance(value, list | tuple | set | frozenset):
            held = list(value)
        elif not isinstance(value, keras.Operation):
            held = inside(value)
        if held is None:
            found.append(value)
            return
        for one in held:
            visit(one, depth + 1)

    for value in values:
        visit(value, 0)
    return found


_DEPTH = 8


def all_finite(values: Sequence[Any]) -> Any:
    """Check values inside a compiled function; see `Backend.compile_finite_check`.

    It uses `isfinite`: the maximum of NaN depends on the processor.
    """
    return keras.ops.stack([keras.ops.all(keras.ops.isfinite(value)) for value in values])


def as_numpy(tree: Any) -> Any:
    """Convert a tree of tensors to numpy arrays."""
    return keras.tree.map_structure(keras.ops.convert_to_numpy, tree)
