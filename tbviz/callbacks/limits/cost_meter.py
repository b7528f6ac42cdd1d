"""Measure costs: all time and bytes that tbviz takes, one position at a time."""

from __future__ import annotations

import os
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

from tbviz.callbacks.limits.budget import Budget
from tbviz.callbacks.limits.clock import clock
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.taps.inspector import ModelInspector


class CallbackId(NamedTuple):
    """Identifies a callback without holding a reference to it.

    Args:
        key: Unique to the callback.
        method: Its name in notices and costs.
    """

    key: int
    method: str


@dataclass
class WriteCost:
    """The cost of one callback's records on the writer's thread.

    Attributes:
        callback_id: Of the callback, None for records that belong to none.
        seconds: Of CPU time.
        size: Bytes.
    """

    callback_id: CallbackId | None
    seconds: float = 0.0
    size: int = 0


class CostMeter:
    """Charges costs to the budgets, and sums them for the `cost` record of a position.

    Three things take time: the main thread, waits for the disk, and the writer's thread. Compiling
    is counted apart and charged to no budget.

    Args:
        training_clock: Of the `fit`; has the budget of seconds.

    Attributes:
        bytes: The budget of bytes of this log directory.
        waits_for_writer: Whether training waits while the writer's thread works.
    """

    def __init__(self, training_clock: TrainingClock) -> None:
        self.bytes = Budget()
        self.waits_for_writer = False
        self._training_clock = training_clock
        # No lock: a garbage collection that ends a fit may run anywhere.
        self._written: deque[WriteCost] = deque()
        self._seconds: dict[str, float] = defaultdict(float)
        self._compile: dict[str, float] = defaultdict(float)
        self._encode: dict[str, float] = defaultdict(float)
        self._wait = 0.0
        self._cpu = 0.0
        self._last = clock()

    @contextmanager
    def measure(self, callback_id: CallbackId, inspector: ModelInspector) -> Iterator[None]:
        """Count the time of a block for one callback.

        Tracing and compiling happen once, and would exceed any budget. What the first call takes
        besides can only be guessed.
        """
        start, compiled, first = clock(), inspector.compile_seconds, inspector.first_seconds
        try:
            yield
        finally:
            took, compiled = clock() - start, inspector.compile_seconds - compiled
            seconds = max(took - compiled, 0.0)
            self._training_clock.count(took)
            self._training_clock.budget.spend(
                seconds,
                callback_id,
                again=seconds + inspector.first_seconds - first,
                guess=compiled > 0,
            )
            self._seconds[callback_id.method] += seconds
            if compiled > 0:
                self._compile[callback_id.method] += compiled

    def count_wait(self, seconds: float) -> None:
        """Count time for which training waits for the store."""
        self._wait += seconds
        self._training_clock.count(seconds)
        self._training_clock.budget.spend(seconds)

    def count_written(self, costs: Sequence[WriteCost]) -> None:
        """Note what records have taken, on the writer's thread."""
        self._written.extend(costs)

    def collect(self) -> None:
        """Charge what the writer's thread has noted."""
        for _ in range(len(self._written)):
            cost = self._written.popleft()
            again = cost.seconds if self.waits_for_writer else None  # then it will be a wait
            self._training_clock.budget.spend(
                self.factor * cost.seconds, cost.callback_id, again=again
            )
            self.bytes.spend(cost.size, cost.callback_id)
            name = "tbviz" if cost.callback_id is None else cost.callback_id.method
            self._encode[name] += cost.seconds

    @property
    def factor(self) -> float:
        """Return the seconds of training that one CPU second of the writer's thread takes.

        Waits are not part of it. The thread takes one core, and training has the others.
        """
        return 0.0 if self.waits_for_writer else 1.0 / _cores()

    def record(self, cpu: float, skipped: Sequence[str]) -> dict[str, Any]:
        """Return the `cost` record of this position; counting starts again.

        Args:
            cpu: CPU seconds of the writer's thread so far.
            skipped: The callbacks that were due and are postponed.
        """
        now, budget = clock(), self._training_clock.share
        fields: dict[str, Any] = {
            "kind": "cost",
            "seconds": _rounded(self._seconds),
            "compile": _rounded(self._compile),
            "encode": _rounded(self._encode),
            "wait": round(self._wait, 6),
            "writer": round(max(cpu - self._cpu, 0.0), 6),
            "wall": round(now - self._last, 6),
            "factor": round(self.factor, 4),
        }
        if budget is not None:
            fields["budget"] = budget
        if skipped:
            fields["skipped"] = list(skipped)
        for seconds in (self._seconds, self._compile, self._encode):
            seconds.clear()
        self._wait, self._cpu, self._last = 0.0, cpu, now
        return fields


def _rounded(seconds: Mapping[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in seconds.items()}


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
