"""Parse and check the parameters of a request."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tbviz.plugin.errors import MalformedError
from tbviz.store.read.segment import SheetAddress

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

_WHOLE = re.compile(r"[0-9]{1,15}")
_WRITER = re.compile(r"[0-9a-f]{16}")
_MAX_SHEETS = 64


class Query:
    """The query parameters of a request.

    Args:
        values: Parameter to text.
    """

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def text(self, name: str) -> str:
        """Return a text that is required.

        Raises:
            MalformedError: If it is missing.
        """
        value = self._values.get(name)
        if value is None:
            raise MalformedError(f"received no {name!r}, expected it as a query parameter")
        return value

    def optional(self, name: str) -> str | None:
        """Return a text, None if it is missing or empty."""
        return self._values.get(name) or None

    def names(self, name: str) -> Collection[str] | None:
        """Return texts separated by commas, None if there is none."""
        value = self.optional(name)
        return None if value is None else frozenset(value.split(","))

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number that is not negative.

        Raises:
            MalformedError: If it is something else, or missing without a default.
        """
        if default is not None and self.optional(name) is None:
            return default
        return _whole(name, self.text(name))

    def optional_whole(self, name: str) -> int | None:
        """Return a whole number that is not negative, None if it is missing or empty.

        Raises:
            MalformedError: If it is something else.
        """
        return None if self.optional(name) is None else self.whole(name)

    def wholes(self, name: str, limit: int) -> list[int]:
        """Return whole numbers separated by commas, at least one.

        Raises:
            MalformedError: If they are something else, or more than `limit`.
        """
        parts = self.text(name).split(",")
        if len(parts) > limit:
            raise MalformedError(f"received {len(parts)} {name}, expected at most {limit}")
        return [_whole(name, part) for part in parts]

    def span(self, name: str, limit: int) -> Collection[int]:
        """Return positions, written as `first-last` or separated by commas.

        Raises:
            MalformedError: If they are something else, or more than `limit` positions.
        """
        text = self.text(name)
        if "," in text:
            return frozenset(self.wholes(name, limit))
        first, _, last = text.partition("-")
        begin, end = _whole(name, first), _whole(name, last or first)
        if not 0 <= end - begin < limit:
            raise MalformedError(
                f"received {name} {first}-{last or first}, expected first-last with at most {limit}"
            )
        return range(begin, end + 1)

    def sheet(self) -> SheetAddress:
        """Return one address, given by `writer`, `offset`, `length` and `crc`."""
        return _sheet([self.text(name) for name in ("writer", "offset", "length", "crc")])

    def sheets(self) -> list[SheetAddress]:
        """Return addresses, written as `writer:offset:length:crc` and separated by commas.

        Raises:
            MalformedError: If they are something else, or too many.
        """
        items = self.text("sheets").split(",")
        if len(items) > _MAX_SHEETS:
            raise MalformedError(f"received {len(items)} sheets, expected at most {_MAX_SHEETS}")
        return [_sheet(item.split(":")) for item in items]


def _sheet(parts: list[str]) -> SheetAddress:
    if len(parts) != 4 or _WRITER.fullmatch(parts[0]) is None:
        raise MalformedError(
            f"received sheet {':'.join(parts)!r}, expected writer:offset:length:crc, with the "
            "writer as 16 hexadecimal digits"
        )
    offset, length, crc = (_whole("sheet", part) for part in parts[1:])
    return SheetAddress(parts[0], offset, length, crc)


def _whole(name: str, text: str) -> int:
    if _WHOLE.fullmatch(text) is None:
        raise MalformedError(f"received {name} {text!r}, expected a whole number of at least 0")
    return int(text)
