"""Keep the clock and the budget of seconds that all log directories of one `fit` share."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.clock import clock
from tbviz.store.format.events import Event


class TrainingClock:
    """Counts the time of training apart from the time of tbviz, and keeps `max_overhead`.

    Attributes:
        rule: The argument that sets the limit.
        event: Of the notice of a snapshot that is postponed.
        share: The share of training time that tbviz may take, None for no limit.
        budget: The seconds that tbviz has taken, without compiling.
        postponed: The callbacks of all log directories that wait for time. Whatever is captured
            before them leaves time for them.
    """

    rule = "max_overhead"
    event: Event = "skipped"

    def __init__(self) -> None:
        self.share: float | None = None
        self.budget = Budget()
        self.postponed: set[Hashable] = set()
        self._begin = clock()
        self._overhead = 0.0

    @property
    def trained(self) -> float:
        """Return the seconds since the beginning, without the waits of training for tbviz."""
        return max(clock() - self._begin - self._overhead, 0.0)

    def count(self, seconds: float) -> None:
        """Count time for which training waited, compiling included."""
        self._overhead += seconds

    def limit(self, share: float | None) -> None:
        """Set a limit; the smallest of several counts."""
        if share is not None:
            self.share = share if self.share is None else min(share, self.share)

    def affords(self, keys: Iterable[Hashable]) -> bool:
        """Return whether a snapshot of these callbacks, and then of those that wait, is allowed."""
        if self.share is None:
            return True
        return self.budget.affords({*keys, *self.postponed}, self.share * self.trained)

    def reason(self, keys: Iterable[Hashable]) -> str:
        """Return why such a snapshot is postponed, and how often there is time for one."""
        share, seconds = self.share or 1.0, self.budget.expected({*keys, *self.postponed})
        return (
            f"captures less often to stay below max_overhead={share:g}: a snapshot takes about "
            f"{_seconds(seconds)}, which allows one per {_seconds(seconds / share)} of training"
        )

    @property
    def overhead(self) -> float:
        """Return the time that tbviz has taken so far, as a share of training time."""
        return self.budget.spent / self.trained if self.trained > 0 else 0.0


def _seconds(seconds: float) -> str:
    """Return seconds with two digits: `0.12 s`, `1.2 s`, `120 s`."""
    return f"{float(f'{seconds:.2g}'):g} s"
