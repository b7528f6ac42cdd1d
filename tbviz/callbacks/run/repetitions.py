"""Report a repeated event a few times, and then once that it continues."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

TIMES = 3
"""How often an event is reported per name."""

TOTAL = 30
"""How many reports of an event there are in all."""


class Repetitions:
    """Counts reports, and decides which are left out.

    Attributes:
        left_out: Whether any report was left out.
    """

    def __init__(self) -> None:
        self.left_out = False
        self._times: Counter[str] = Counter()
        self._total = 0

    def admit(self, names: Iterable[str]) -> list[str]:
        """Return the names whose event is still reported; they count as one report."""
        names = list(names)
        found = [name for name in names if self._times[name] < TIMES] if self._total < TOTAL else []
        self._times.update(found)
        self._total += bool(found)
        self.left_out |= len(found) < len(names)
        return found
