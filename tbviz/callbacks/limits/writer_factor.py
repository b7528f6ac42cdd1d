"""What a CPU second of the writer's thread costs training, as the run itself shows."""

from __future__ import annotations

import os

# How unsure the first guess is, and after how many stretches of training it may be left.
_UNSURE = 0.5
_MIN_STRETCHES = 4
_MAX_FACTOR = 4.0

# What is left of a stretch when the next comes: one that was out of the ordinary (a validation, a
# machine that was busy with something else) is forgotten in time.
_LEFT = 0.98


class WriterFactor:
    """Estimates by how many seconds training is slowed by a CPU second of the writer's thread.

    Seconds per batch are regressed on the writer's seconds per batch, from a first guess of one
    over the number of cores (ridge regression: a slope that the noise does not support stays near
    the guess).

    Args:
        cores: on which the process may run; as the system says unless given.
    """

    def __init__(self, cores: int | None = None) -> None:
        self._guess = 1.0 / (cores or _cores())
        self._compiled = False
        self._count = 0.0
        self._mean_x = self._mean_y = 0.0
        self._xx = self._xy = self._yy = 0.0

    def observe(self, training: float, writer: float, steps: int) -> None:
        """Takes in a stretch of training.

        Args:
            training: its seconds, without what callbacks took on the main thread.
            writer: CPU seconds of the writer's thread within it.
            steps: batches trained on.
        """
        if steps <= 0 or training <= 0:
            return
        if not self._compiled:  # in the first stretch Keras compiles its own step
            self._compiled = True
            return
        x, y = writer / steps, training / steps
        self._count = _LEFT * self._count + 1
        self._xx, self._xy, self._yy = (_LEFT * sum_ for sum_ in (self._xx, self._xy, self._yy))
        off_x, off_y = x - self._mean_x, y - self._mean_y
        self._mean_x += off_x / self._count
        self._mean_y += off_y / self._count
        self._xx += off_x * (x - self._mean_x)
        self._xy += off_x * (y - self._mean_y)
        self._yy += off_y * (y - self._mean_y)

    @property
    def value(self) -> float:
        """Seconds of training a CPU second, 0 to 4."""
        if self._count <= _MIN_STRETCHES - 1 or self._xx <= 0:
            return self._guess
        slope = self._xy / self._xx
        noise = max(self._yy - slope * self._xy, 0.0) / (self._count - 2)
        weight = noise / _UNSURE**2
        estimate = (self._xy + weight * self._guess) / (self._xx + weight)
        return min(max(estimate, 0.0), _MAX_FACTOR)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1
