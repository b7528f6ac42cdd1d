"""Costs: what looking took from training, a position at a time."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tbviz.taps.looker import Looker


class Costs:
    """Seconds spent since the last position, by callback."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = defaultdict(float)
        self._compile: dict[str, float] = defaultdict(float)
        self._wait = 0.0
        self._cpu = 0.0
        self._last = time.perf_counter()

    @contextmanager
    def of(self, name: str, looker: Looker) -> Iterator[None]:
        """Counts the time of a block for one callback.

        Tracing and compiling are counted apart: they come once, and no budget could hold them.
        """
        start, compiled = time.perf_counter(), looker.compile_seconds
        try:
            yield
        finally:
            compiled = looker.compile_seconds - compiled
            self._seconds[name] += max(time.perf_counter() - start - compiled, 0.0)
            if compiled > 0:
                self._compile[name] += compiled

    def waited(self, seconds: float) -> None:
        """Counts time spent waiting until the position before was on disk."""
        self._wait += seconds

    def record(self, writer_cpu: float) -> dict[str, Any]:
        """The `cost` record of this position; counting begins anew.

        Args:
            writer_cpu: CPU seconds of the writer's thread so far.
        """
        now = time.perf_counter()
        fields = {
            "kind": "cost",
            "seconds": _rounded(self._seconds),
            "compile": _rounded(self._compile),
            "wait": round(self._wait, 6),
            "writer": round(max(writer_cpu - self._cpu, 0.0), 6),
            "wall": round(now - self._last, 6),
        }
        self._seconds.clear()
        self._compile.clear()
        self._wait, self._cpu, self._last = 0.0, writer_cpu, now
        return fields


def _rounded(seconds: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in seconds.items()}
