"""Count the faults of the fault tests: tried, survived, lost; print them after a test run."""

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
    """The faults that one test caused in a store or a fit.

    Args:
        tried: How many faults were caused.
        survived: After how many of them everything held that must hold.
        lost: How many positions that were not on disk yet were lost. Those on disk never are.
    """

    tried: int = 0
    survived: int = 0
    lost: int = 0

    @contextmanager
    def trying(self) -> Iterator[None]:
        """Count one fault; it is survived if nothing raises."""
        self.tried += 1
        yield
        self.survived += 1


def unlike_a_kill(damage: Iterable[dict[str, Any]], store: Path) -> list[str]:
    """Return the damage of a store that a kill of its only writer cannot cause.

    A kill comes between a record's bytes, between a pack's bytes and their lines in the index, or
    between a line's bytes: the system writes memory pages, and stops after any of them.
    """
    cut = [not path.read_bytes().endswith(b"\n") for path in store.glob("*.jsonl")]
    return [
        found["text"]
        for found in damage
        if found["what"] not in {"tail", "index-missing", "index-behind"}
        and not (found["what"] == "index-bad" and any(cut) and found["text"].startswith("1 line "))
    ]


def summary(reports: Iterable[Any]) -> list[str]:
    """Return one line per test function (its rows are added up), and one for the total."""
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
