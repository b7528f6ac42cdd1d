"""Find the values that nested containers hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import keras

_DEPTH = 8


def contents(values: Iterable[Any], inside: Callable[[Any], Iterable[Any] | None]) -> list[Any]:
    """Return the values in containers, and in the values that `inside` opens, each once.

    Layers are returned unopened, since Keras walks them itself.

    Args:
        values: The values to start from, such as the attributes of a layer.
        inside: A function that returns the contents of a value, or None if it stays closed.
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
