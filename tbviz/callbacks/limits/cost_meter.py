"""Costs: the time that snapshots take from training, one position at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tbviz.callbacks.limits.schedule import clock
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.taps.inspector import ModelInspector


class Spent:
    """The time that one stretch of work took.

    Attributes:
        seconds: on the main thread, without compiling.
        again: the expected time of the same work next time.
        new: whether something was compiled, so that the next time may take less or more.
    """

    seconds = again = 0.0
    new = False


class CostMeter:
    """Seconds spent since the last position, by callback.

    Args:
        training_clock: of the `fit`.
    """

    def __init__(self, training_clock: TrainingClock) -> None:
        self._training_clock = training_clock
        self._seconds: dict[str, float] = defaultdict(float)
        self._compile: dict[str, float] = defaultdict(float)
        self._encode: dict[str, float] = defaultdict(float)
        self._wait = 0.0
        self._cpu = 0.0
        self._last = clock()
        self._trained = training_clock.trained

    @contextmanager
    def measure(self, name: str, inspector: ModelInspector) -> Iterator[Spent]:
        """Count the time of a block for one callback.

        Tracing and compiling are counted apart: they happen once, and would exceed any budget.
        """
        start, compiled, spent = clock(), inspector.compile_seconds, Spent()
        first = inspector.first_seconds
        try:
            yield spent
        finally:
            compiled = inspector.compile_seconds - compiled
            took = clock() - start
            self._training_clock.count(took)
            spent.seconds = max(took - compiled, 0.0)
            spent.again = spent.seconds + inspector.first_seconds - first
            spent.new = compiled > 0
            self._seconds[name] += spent.seconds
            if compiled > 0:
                self._compile[name] += compiled

    def count_wait(self, seconds: float) -> None:
        """Count time spent waiting until the position before was on disk."""
        self._wait += seconds
        self._training_clock.count(seconds)

    def count_encoding(self, name: str, seconds: float) -> None:
        """Count CPU time of the writer's thread for one callback."""
        self._encode[name] += seconds

    @property
    def training(self) -> float:
        """Seconds of training since the last position."""
        return max(self._training_clock.trained - self._trained, 0.0)

    def writer_since_last(self, cpu: float) -> float:
        """Return the CPU seconds of the writer's thread since the last position.

        Args:
            cpu: CPU seconds of the writer's thread so far.
        """
        return max(cpu - self._cpu, 0.0)

    def record(self, cpu: float, further: Mapping[str, float | Sequence[str]]) -> dict[str, Any]:
        """Return the `cost` record of this position; counting starts again.

        Args:
            cpu: CPU seconds of the writer's thread so far.
            further: additional fields of the record.
        """
        now = clock()
        fields = {
            "kind": "cost",
            "seconds": _rounded(self._seconds),
            "compile": _rounded(self._compile),
            "encode": _rounded(self._encode),
            "wait": round(self._wait, 6),
            "writer": round(self.writer_since_last(cpu), 6),
            "wall": round(now - self._last, 6),
            **further,
        }
        for seconds in (self._seconds, self._compile, self._encode):
            seconds.clear()
        self._wait, self._cpu, self._last = 0.0, cpu, now
        self._trained = self._training_clock.trained
        return fields


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in seconds.items()}
