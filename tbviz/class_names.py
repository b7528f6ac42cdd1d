"""Name classes, whether the user has named them or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence


def class_name(index: int, names: Sequence[str] | Mapping[int, str] | None = None) -> str:
    """Return the name of a class: `"cat"`, or `"class 3"` if it has none.

    Args:
        index: The class, counted from 0.
        names: The known names, by class. Defaults to None.
    """
    if isinstance(names, Mapping):
        return names.get(index, f"class {index}")
    return names[index] if names and 0 <= index < len(names) else f"class {index}"
