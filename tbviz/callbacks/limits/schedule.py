"""Define schedules: when a callback captures, besides the first and the last epoch."""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Final

from tbviz.errors import TbvizError


@dataclass(frozen=True)
class TrainingProgress:
    """How far training has come.

    Attributes:
        epoch: Counted from 0.
        step: Batches trained on since the start of this `fit`.
        seconds: A clock that only rises.
        epoch_end: Whether the epoch ends here; else a batch does.
    """

    epoch: int
    step: int
    seconds: float
    epoch_end: bool


class Schedule:
    """When a callback captures. `every` and `geometric` return one, for `schedule=`.

    It may stand in several callbacks: each of them counts on a copy.

    Attributes:
        batchwise: Whether it is also due between the ends of epochs.
        every_epoch: Whether it is due at the end of every epoch and nowhere else.
    """

    batchwise: bool = False
    every_epoch: bool = False

    def start(self, progress: TrainingProgress) -> None:
        """Begin counting here, and forget what an earlier `fit` did.

        Args:
            progress: Where the `fit` begins.
        """

    def due(self, progress: TrainingProgress) -> bool:
        """Return whether to capture now.

        Args:
            progress: How far training has come.
        """
        raise NotImplementedError


ScheduleLike = str | int | Schedule | Callable[[int], object]
"""What a user may pass as `schedule`."""

FIRST_AND_LAST: Final = "first-and-last"


def every(
    *, epochs: int | None = None, batches: int | None = None, minutes: float | None = None
) -> Schedule:
    """Return a schedule that captures at regular intervals. It takes one of the three arguments.

    The first and the last epoch are captured with any schedule, unless `tbviz control` has paused
    the run or the store is full.

    Args:
        epochs: Captures at the ends of epochs 0, n, 2n ... Defaults to None.
        batches: Captures when a multiple of this many batches has been crossed, also if Keras
            runs several batches in one call (`steps_per_execution`). Defaults to None.
        minutes: Captures at the first end of a batch or epoch after that much time. Defaults to
            None.

    Returns:
        A `Schedule`, for `schedule=`.

    Raises:
        TbvizError: If none or several are given, or one that is not a number above 0.

    Example:
        >>> tbviz.Monitor("logs/run", x_val[:4], schedule=tbviz.every(minutes=10))
    """
    given = {"epochs": epochs, "batches": batches, "minutes": minutes}
    selected = {name: value for name, value in given.items() if value is not None}
    value: Any
    [(name, value)] = selected.items() if len(selected) == 1 else [("", None)]
    if not (_is_number(value, Real if name == "minutes" else Integral) and value > 0):
        msg = (
            f"every() received {selected or 'nothing'}; expected exactly one of epochs and batches "
            "(whole numbers) and minutes, above 0, such as every(epochs=5)"
        )
        raise TbvizError(msg)
    if name == "epochs":
        return _Epochs(int(value))
    if name == "batches":
        return _Batches(int(value))
    return _Minutes(float(value))


def geometric(factor: float = 2.0) -> Schedule:
    """Return a schedule for long runs: each snapshot is a factor later than the one before.

    With the factor 2 it captures epochs 0, 1, 2, 4, 8 ... and the last one, so that a thousand
    epochs have a dozen snapshots.

    Args:
        factor: Ratio of each captured epoch to the one before, above 1. Defaults to 2.0.

    Returns:
        A `Schedule`, for `schedule=`.

    Raises:
        TbvizError: If the factor is not above 1.

    Example:
        >>> tbviz.Monitor("logs/run", x_val[:4], schedule=tbviz.geometric(1.5))
    """
    if not (_is_number(factor, Real) and factor > 1):
        msg = f"geometric() received the factor {factor!r}; expected a number above 1, such as 2"
        raise TbvizError(msg)
    return _Geometric(float(factor))


def schedule_of(schedule: ScheduleLike | None) -> Schedule:
    """Return the schedule that a user's argument means.

    Args:
        schedule: `"epoch"`, `"first-and-last"`, a whole number n for every n epochs, a `Schedule`,
            of which a copy is returned, or a callable that takes the epoch and returns whether to
            capture at its end. None is `"epoch"`.

    Raises:
        TbvizError: If it is anything else.
    """
    if isinstance(schedule, Schedule):
        return copy.copy(schedule)
    if schedule is None or (isinstance(schedule, str) and schedule == "epoch"):
        return _Epochs(1)
    if isinstance(schedule, str) and schedule == FIRST_AND_LAST:
        return _FirstAndLast()
    if _is_number(schedule, Integral):
        epochs: Any = schedule
        if epochs >= 1:
            return _Epochs(int(epochs))
    elif callable(schedule):
        return _Selected(schedule)
    msg = (
        f"schedule received {schedule!r}; {_meant(schedule)}expected 'epoch', a whole number n for "
        "every n epochs, 'first-and-last', tbviz.every(batches=1000), tbviz.every(minutes=10), "
        "tbviz.geometric(2), or a callable that takes the epoch and returns whether to capture"
    )
    raise TbvizError(msg)


def _meant(schedule: Any) -> str:
    """Return what a text that is no schedule may mean."""
    if not isinstance(schedule, str):
        return ""
    digits = "".join(letter for letter in schedule if letter.isdigit())
    if digits and int(digits):
        return f"did you mean schedule={int(digits)}? "
    meant = {
        **dict.fromkeys(["epoch", "epochs", "every epoch"], "epoch"),
        **dict.fromkeys([FIRST_AND_LAST, "first", "last", "ends"], FIRST_AND_LAST),
    }
    near = difflib.get_close_matches(schedule.lower(), meant, n=1)
    return f"did you mean {meant[near[0]]!r}? " if near else ""


def _is_number(value: Any, kind: type) -> bool:
    """Return whether a value is a number of this kind; truth values are none."""
    return isinstance(value, kind) and not isinstance(value, bool)


class _Epochs(Schedule):
    def __init__(self, count: int) -> None:
        self.every_epoch = count == 1
        self._count = count

    def __repr__(self) -> str:
        return f"tbviz.every(epochs={self._count})"

    def due(self, progress: TrainingProgress) -> bool:
        return progress.epoch_end and progress.epoch % self._count == 0


class _Selected(Schedule):
    def __init__(self, is_due: Callable[[int], object]) -> None:
        self._is_due = is_due

    def due(self, progress: TrainingProgress) -> bool:
        return progress.epoch_end and bool(self._is_due(progress.epoch))


class _FirstAndLast(Schedule):
    def due(self, progress: TrainingProgress) -> bool:
        """Return False: the first and the last epoch are captured without being due."""
        return False


class _Geometric(Schedule):
    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._next = 0.0

    def __repr__(self) -> str:
        return f"tbviz.geometric({self._factor})"

    def start(self, progress: TrainingProgress) -> None:
        self._next = 0.0

    def due(self, progress: TrainingProgress) -> bool:
        if not progress.epoch_end or progress.epoch < self._next:
            return False
        while self._next <= progress.epoch:
            self._next = max(self._next + 1, self._next * self._factor)
        return True


class _Batches(Schedule):
    batchwise = True

    def __init__(self, batches: int) -> None:
        self._batches = batches
        self._crossed = 0

    def __repr__(self) -> str:
        return f"tbviz.every(batches={self._batches})"

    def start(self, progress: TrainingProgress) -> None:
        self._crossed = progress.step // self._batches

    def due(self, progress: TrainingProgress) -> bool:
        crossed = progress.step // self._batches
        due = crossed > self._crossed
        self._crossed = crossed
        return due


class _Minutes(Schedule):
    batchwise = True

    def __init__(self, minutes: float) -> None:
        self._minutes = minutes
        self._last = 0.0

    def __repr__(self) -> str:
        return f"tbviz.every(minutes={self._minutes})"

    def start(self, progress: TrainingProgress) -> None:
        self._last = progress.seconds

    def due(self, progress: TrainingProgress) -> bool:
        if progress.seconds - self._last < 60.0 * self._minutes:
            return False
        self._last = progress.seconds
        return True
