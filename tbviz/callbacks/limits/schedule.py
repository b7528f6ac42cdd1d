"""Schedules: when a callback captures. The first and the last epoch are always captured."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from tbviz.errors import TbvizError


@dataclass(frozen=True)
class TrainingProgress:
    """How far training has come.

    Attributes:
        epoch: counted from 0.
        step: batches trained on since the start of this `fit`.
        seconds: a clock that only rises.
        epoch_end: whether the epoch ends here; else a batch does.
    """

    epoch: int
    step: int
    seconds: float
    epoch_end: bool


class Schedule(Protocol):
    """Decides when to capture; `start` forgets what an earlier `fit` did.

    Attributes:
        batchwise: whether it is also due between the ends of epochs.
        every_epoch: whether it is due at the end of every epoch and nowhere else.
    """

    batchwise: bool
    every_epoch: bool

    def start(self, progress: TrainingProgress) -> None:
        """Begin counting here."""

    def due(self, progress: TrainingProgress) -> bool:
        """Return whether to capture now."""


@dataclass(frozen=True)
class Factory:
    """Makes one schedule per callback; `every` and `geometric` return it."""

    make: Callable[[], Schedule]


ScheduleLike = str | Factory | Callable[[int], object]
"""What a user may pass as `schedule`."""


def every(
    epochs: int | None = None, batches: int | None = None, minutes: float | None = None
) -> Factory:
    """Return a schedule that captures at regular intervals; give one of the three.

    Args:
        epochs: at the ends of epochs 0, n, 2n ...
        batches: whenever a multiple of this many batches has been crossed, so also where Keras
            runs several in one go (`steps_per_execution`).
        minutes: at the first batch or epoch end after that much time.

    Raises:
        TbvizError: none or several are given, or one that is not above 0.
    """
    given = {"epochs": epochs, "batches": batches, "minutes": minutes}
    selected = {name: value for name, value in given.items() if value is not None}
    if len(selected) != 1 or min(selected.values()) <= 0:
        msg = (
            f"every() received {selected or 'nothing'}; it takes exactly one of epochs, batches "
            "and minutes, above 0, such as every(epochs=5)"
        )
        raise TbvizError(msg)
    if epochs is not None:
        return Factory(lambda: _Epochs(lambda epoch: epoch % epochs == 0))
    if batches is not None:
        return Factory(lambda: _Batches(batches))
    seconds = 60.0 * (minutes or 0.0)
    return Factory(lambda: _Seconds(seconds))


def geometric(factor: float = 2.0) -> Factory:
    """Return a schedule for long runs: epochs 0, 1, 2, 4, 8 ...

    Args:
        factor: of each epoch to the one before.

    Raises:
        TbvizError: the factor is not above 1.
    """
    if factor <= 1:
        msg = f"geometric() received the factor {factor}; it takes one above 1, such as 2"
        raise TbvizError(msg)
    return Factory(lambda: _Geometric(factor))


def schedule_of(schedule: ScheduleLike | None) -> Schedule:
    """Return the schedule that a user's argument means.

    Args:
        schedule: `"epoch"`, what `every` or `geometric` gave, or a callable that takes the epoch
            and returns whether to capture at its end.

    Raises:
        TbvizError: anything else.
    """
    if schedule is None or schedule == "epoch":
        return _Epochs()
    if isinstance(schedule, Factory):
        return schedule.make()
    if callable(schedule):
        return _Epochs(schedule)
    msg = (
        f"schedule received {schedule!r}; it takes 'epoch', tbviz.every(epochs=5), "
        "tbviz.every(batches=1000), tbviz.every(minutes=10), tbviz.geometric(2) or a callable "
        "that takes the epoch and returns whether to capture"
    )
    raise TbvizError(msg)


class _Epochs:
    batchwise = False

    def __init__(self, is_due: Callable[[int], object] | None = None) -> None:
        self.every_epoch = is_due is None
        self._is_due = is_due or (lambda _: True)

    def start(self, progress: TrainingProgress) -> None:
        """Nothing is counted."""

    def due(self, progress: TrainingProgress) -> bool:
        return progress.epoch_end and bool(self._is_due(progress.epoch))


class _Geometric:
    batchwise = every_epoch = False

    def __init__(self, factor: float) -> None:
        self._factor = factor
        self._next = 0.0

    def start(self, progress: TrainingProgress) -> None:
        self._next = 0.0

    def due(self, progress: TrainingProgress) -> bool:
        if not progress.epoch_end or progress.epoch < self._next:
            return False
        while self._next <= progress.epoch:
            self._next = max(self._next + 1, self._next * self._factor)
        return True


class _Batches:
    batchwise, every_epoch = True, False

    def __init__(self, batches: int) -> None:
        self._batches = batches
        self._crossed = 0

    def start(self, progress: TrainingProgress) -> None:
        self._crossed = progress.step // self._batches

    def due(self, progress: TrainingProgress) -> bool:
        crossed = progress.step // self._batches
        due = crossed > self._crossed
        self._crossed = crossed
        return due


class _Seconds:
    batchwise, every_epoch = True, False

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = 0.0

    def start(self, progress: TrainingProgress) -> None:
        self._last = progress.seconds

    def due(self, progress: TrainingProgress) -> bool:
        if progress.seconds - self._last < self._seconds:
            return False
        self._last = progress.seconds
        return True
