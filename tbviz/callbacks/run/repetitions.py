"""Repetitions: an event that may come back for ever is reported a few times, then summed up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

TIMES = 3
"""How often an event is reported of one name."""

TOTAL = 30
"""How many reports of an event there are in all."""


class Repetitions:
    """Count reports, and tell which are enough.

    Attributes:
        left_out: whether any report was left out.
    """

    def __init__(self) -> None:
        self.left_out = False
        self._times: Counter[str] = Counter()
        self._total = 0

    def admit(self, names: Iterable[str]) -> list[str]:
        """Return those names whose event is still reported, in one report."""
        names = list(names)
        found = [name for name in names if self._times[name] < TIMES] if self._total < TOTAL else []
        self._times.update(found)
        self._total += bool(found)
        self.left_out |= len(found) < len(names)
        return found
