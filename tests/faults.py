"""Counts of the fault tests: tried, survived, lost. A line each at the end of a test run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NAME = "faults"


@dataclass
class Faults:
    """What one test did to a store or a fit.

    Args:
        tried: Faults that were made.
        survived: Those after which all that must hold held.
        lost: Positions in hand that a fault cost. One that was on disk never is.
    """

    tried: int = 0
    survived: int = 0
    lost: int = 0

    @contextmanager
    def trying(self) -> Iterator[None]:
        """One fault; it is survived where nothing raises."""
        self.tried += 1
        yield
        self.survived += 1


def unlike_a_kill(damage: Iterable[dict[str, Any]], store: Path) -> list[str]:
    """Give what `inspect` found in a store that a kill of its only writer does not leave.

    A kill comes between a record's bytes, between a pack's bytes and their lines in the index, or
    between a line's bytes: the system writes memory pages, and stops after any.
    """
    cut = [not path.read_bytes().endswith(b"\n") for path in store.glob("*.jsonl")]
    return [
        found["text"]
        for found in damage
        if found["what"] not in {"tail", "index-missing", "index-behind"}
        and not (found["what"] == "index-bad" and any(cut) and found["text"].startswith("1 line "))
    ]


def summary(reports: Iterable[Any]) -> list[str]:
    """The lines, one a test function (rows of one function are added up), and one for all."""
    sums: dict[str, Counter[str]] = {}
    for report in reports:
        for name, counted in report.user_properties:
            if name == NAME:
                sums.setdefault(report.nodeid.partition("[")[0], Counter()).update(counted)
    if not sums:
        return []
    rows = [*sorted(sums.items()), ("all", sum(sums.values(), Counter()))]
    return [
        f"tried {n['tried']:>6}  survived {n['survived']:>6}  lost in hand {n['lost']:>3}  {where}"
        for where, n in rows
    ]
