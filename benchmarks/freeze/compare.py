"""(two recordings in the same names) => (where they differ). There is no tolerance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final, NamedTuple

ABSENT: Final = "(absent)"
_MAX_TEXT = 300


class Difference(NamedTuple):
    """One place where two recordings differ.

    Args:
        path: Keys and numbers from the root, with slashes.
        old: What was there, translated; `ABSENT` for nothing.
        new: What is there.
    """

    path: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.path}\n    old: {_short(self.old)}\n    new: {_short(self.new)}"


def differences(old: Any, new: Any, path: str = "") -> Iterator[Difference]:
    """Give every difference: values of another type, absent keys, other lengths, other numbers."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            inner = f"{path}/{key}"
            if key in old and key in new:
                yield from differences(old[key], new[key], inner)
            else:
                yield Difference(inner, old.get(key, ABSENT), new.get(key, ABSENT))
    elif isinstance(old, list) and isinstance(new, list):
        for number, (before, after) in enumerate(zip(old, new, strict=False)):
            yield from differences(before, after, f"{path}/{number}")
        for number in range(min(len(old), len(new)), max(len(old), len(new))):
            sides = [side[number] if number < len(side) else ABSENT for side in (old, new)]
            yield Difference(f"{path}/{number}", *sides)
    elif type(old) is not type(new) or old != new:
        yield Difference(path, old, new)


def _short(value: Any) -> str:
    text = value if value == ABSENT else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _MAX_TEXT else f"{text[:_MAX_TEXT]} ... ({len(text)} characters)"
