"""Read the clock of all callbacks. Tests replace `source`, and nothing else."""

from __future__ import annotations

import time

source = time.perf_counter
"""Returns seconds, and only rises."""


def clock() -> float:
    """Return seconds on a clock that only rises."""
    return source()
