"""Keep a budget: the seconds or bytes that snapshots have taken, and may still take."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

# The weight of the newest cost in the expected one: costs change slowly, and one slow moment of
# the machine should not postpone snapshots for long.
_NEWEST = 0.5


class Budget:
    """Decides whether the next snapshot can be afforded.

    All callbacks that are due form one snapshot, which is captured or postponed as a whole. So an
    expensive callback is captured as often as a cheap one.

    Attributes:
        spent: What was taken so far, by callbacks and by tbviz itself.
    """

    def __init__(self) -> None:
        self.spent = 0.0
        self._costs: dict[Hashable, _Cost] = {}

    def open(self, key: Hashable) -> None:
        """Add a callback."""
        self._costs.setdefault(key, _Cost())

    def affords(self, keys: Iterable[Hashable], allowed: float) -> bool:
        """Return whether the next snapshot leaves enough for the last one, which has them all.

        Args:
            keys: The callbacks that are due.
            allowed: What may be spent until now.
        """
        return self.spent + self.expected(keys) + self.expected(self._costs) <= allowed

    def expected(self, keys: Iterable[Hashable]) -> float:
        """Return what a snapshot of these callbacks is expected to take, 0 before the first."""
        return sum(self._costs[key].expected for key in keys)

    def begin(self, keys: Iterable[Hashable]) -> None:
        """Begin a snapshot of these callbacks."""
        for key in keys:
            self._costs[key].begin()

    def spend(
        self,
        amount: float,
        key: Hashable = None,
        *,
        again: float | None = None,
        guess: bool = False,
    ) -> None:
        """Count what was taken. The writer's thread may report its part of a snapshot later.

        Args:
            amount: In the budget's unit.
            key: The callback. Defaults to None: tbviz itself.
            again: What the same work is expected to take the next time. Defaults to the amount.
            guess: Whether that is a guess, which the next snapshot replaces. Defaults to False.
        """
        self.spent += amount
        if key in self._costs:
            self._costs[key].add(amount if again is None else again, guess=guess)


@dataclass
class _Cost:
    """What one callback's part of a snapshot takes.

    Attributes:
        mean: Over all snapshots but the newest, the later the more. None if there is none.
        newest: Of the newest snapshot, as far as it is known. None if there is none.
        guess: Whether the newest is a guess.
    """

    mean: float | None = None
    newest: float | None = None
    guess: bool = False

    @property
    def expected(self) -> float:
        newest = self.newest or 0.0
        if self.mean is None:
            return newest
        return self.mean + _NEWEST * max(newest - self.mean, 0.0)

    def begin(self) -> None:
        if self.newest is not None and not self.guess:
            mean = self.newest if self.mean is None else self.mean
            self.mean = mean + _NEWEST * (self.newest - mean)
        self.newest, self.guess = 0.0, False

    def add(self, amount: float, *, guess: bool) -> None:
        if self.newest is not None:  # what comes before the first snapshot comes only once
            self.newest += amount
            self.guess |= guess
