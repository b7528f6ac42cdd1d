"""Budgets: snapshots are skipped so that their cost stays below the limit."""

from __future__ import annotations

import math
from collections.abc import Hashable

# How much the newest cost counts in what the next is expected to be: costs change slowly, and
# one slow moment of the machine should not silence a callback for long.
_NEWEST = 0.5

# What is left of a guess at each payment: one that is too expensive is measured one day.
_GUESS_LEFT = 0.8

# Of what the run seems to be going to pay in, the share that a first snapshot may owe. The last
# one takes as much again, and a run seems longer than it is: compiling slows its first epoch.
_LENT = 0.125


class Budget:
    """Keeps what callbacks take of one thing, seconds or bytes, below what is allowed.

    Each callback has an account. What is allowed is paid into them in equal parts; what one does
    not need for its next snapshot goes to the others (max-min fairness, as in deficit round robin:
    Shreedhar and Varghese, "Efficient fair queueing using deficit round robin", 1995). A callback
    captures when its account holds the cost of the snapshot, so cheap ones capture often and do
    not starve an expensive one. What is taken all the same (the first snapshot, before any cost
    is known) is a debt that is paid back. If the end is known, a first snapshot of many parts
    goes on while the run can easily pay its debt back, and the cost of the last snapshot is
    saved on the way to it.
    """

    def __init__(self) -> None:
        self._accounts: dict[Hashable, _Account] = {}
        self._progress = 0.0
        self._earned = 0.0

    def open(self, key: Hashable) -> None:
        """Opens the account of a callback."""
        self._accounts.setdefault(key, _Account())

    def earn(self, amount: float, progress: float = 0.0) -> None:
        """Pays in what is allowed for the time that has passed.

        Args:
            amount: in the budget's unit; below 0 it is a debt of all.
            progress: how far the run has come, 0 to 1; 0 where its end is not known.
        """
        self._progress = min(max(progress, 0.0), 1.0)
        self._earned += amount
        waiting = list(self._accounts.values())
        if amount <= 0:
            amount = amount if waiting else 0.0
            for account in waiting:
                account.balance += amount / len(waiting)
            return
        while waiting and amount > 1e-12:
            each = amount / len(waiting)
            still = []
            for account in waiting:
                room = account.ceiling(self._progress) - account.balance
                paid = min(each, max(room, 0.0))
                account.balance += paid
                amount -= paid
                if paid == each:
                    still.append(account)
            if len(still) == len(waiting):
                return
            waiting = still

    def settle(self, key: Hashable) -> None:
        """Says that a callback's costs of the last position are known, as far as they are."""
        self._accounts[key].settle()

    def abandon(self, key: Hashable) -> None:
        """Forget an interrupted snapshot: it will not go on."""
        self._accounts[key].abandon()

    def affords(self, key: Hashable) -> bool:
        """Whether the account of a callback holds what its next part will take."""
        account = self._accounts[key]
        expected = account.part
        if expected is None:
            return account.balance >= 0
        if account.balance - account.reserve(self._progress) >= expected:
            return True
        return account.first and expected - account.balance <= self._lent

    @property
    def _lent(self) -> float:
        """What an account may owe for a first snapshot."""
        if not self._progress:
            return 0.0
        coming = self._earned * (1 - self._progress) / self._progress
        return _LENT * coming / len(self._accounts)

    def spend(
        self,
        key: Hashable,
        amount: float,
        parts: int = 0,
        *,
        done: bool = False,
        again: float | None = None,
    ) -> None:
        """Takes from the account what a callback has taken.

        Args:
            key: of the callback.
            amount: in the budget's unit; what the writer's thread takes of it comes later.
            parts: how many parts of the snapshot it is for.
            done: whether the snapshot is finished with them.
            again: what the same may be expected to take the next time, where that is another
                amount: it was the first time. What it takes then counts in place of this guess.
        """
        self._accounts[key].spend(amount, parts, done=done, again=again)

    def expected(self, key: Hashable) -> float | None:
        """Return the cost of a whole snapshot, `None` if there was none yet."""
        return self._accounts[key].whole


class _Account:
    """What one callback may take, and what its snapshots take."""

    def __init__(self) -> None:
        self.balance = 0.0
        self._part: float | None = None
        self._whole: float | None = None
        self._so_far = 0.0  # of a snapshot that goes on over several positions
        self._now = 0.0
        self._parts = 0
        self._done = False
        self._guessed = self._guess = False  # whether what is known, and what is now, is a guess
        self._last = (0, 1.0)  # how many parts were settled last, and with what weight

    @property
    def part(self) -> float | None:
        """What the next part of a snapshot is expected to take."""
        if self._parts:
            return max(self._part or 0.0, self._now / self._parts)
        return self._part

    @property
    def first(self) -> bool:
        """Whether this is the position of the first snapshot."""
        return self._part is None

    @property
    def whole(self) -> float | None:
        """What a whole snapshot is expected to take."""
        known = [cost for cost in (self._whole, self._so_far + self._now) if cost]
        return max(known) if known else self._part

    def reserve(self, progress: float) -> float:
        """Return what has to be left in the account for the last snapshot."""
        return progress * (self.whole or 0.0)

    def ceiling(self, progress: float) -> float:
        """Return what the account may hold: the next snapshot and the savings for the last."""
        whole = self.whole
        # Twice, so that an unused allowance can carry over once.
        return math.inf if whole is None else 2 * whole + self.reserve(progress)

    def spend(self, amount: float, parts: int, *, done: bool, again: float | None) -> None:
        self.balance -= amount
        self._now += amount if again is None else again
        self._guess |= again is not None
        self._parts += parts
        self._done |= done

    def settle(self) -> None:
        """What is known of the costs at the last position becomes what is expected."""
        if not self._parts:
            self._settle_late()
            return
        first = self._guessed or self._part is None
        part, whole = (None, None) if self._guessed else (self._part, self._whole)
        self._part = _mean(part, self._now / self._parts)
        self._last = self._parts, 1.0 if first else _NEWEST
        self._so_far += self._now
        if self._done:
            self._whole = _mean(whole, self._so_far)
            self._so_far = 0.0
            self._guessed = self._guess
            self._guess = False
        self._now, self._parts, self._done = 0.0, 0, False

    def _settle_late(self) -> None:
        """Charge the snapshot before: the writer's thread was one position behind."""
        late, self._now = self._now, 0.0
        parts, weight = self._last
        if late and parts:
            self._part = (self._part or 0.0) + weight * late / parts
            if self._so_far:
                self._so_far += late
            else:
                self._whole = (self._whole or 0.0) + weight * late
        elif self._guessed:
            self._part = None if self._part is None else _GUESS_LEFT * self._part
            self._whole = None if self._whole is None else _GUESS_LEFT * self._whole

    def abandon(self) -> None:
        """Forget the cost of an interrupted snapshot: it says nothing about a whole one."""
        self._so_far = self._now = 0.0
        self._parts, self._done = 0, False


def _mean(former: float | None, newest: float) -> float:
    return newest if former is None else former + _NEWEST * (newest - former)
