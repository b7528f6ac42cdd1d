"""Fits that are killed at random times: python killed_fits.py DIRECTORY COUNT SEED.

One process imports TensorFlow, which takes longer than all the rest, and trains in children: two
at a time, and nothing of TensorFlow runs before they part. Prints a line a fit: its number and the
last epoch whose position was handed over, -1 for none. All before it are on disk.
"""

from __future__ import annotations

import os
import random
import select
import signal
import struct
import sys
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import keras
from callbacks.nets import data, sequential

import tbviz

AT_ONCE = 2
MAX_EPOCH = 8  # the last epoch after which one is killed
MAX_DELAY = 0.1  # seconds after the end of that epoch: some epochs


class ReportsEpochs(keras.callbacks.Callback):
    """Reports that training began, and each epoch that ended. Stands behind tbviz' callbacks."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self.pipe = pipe

    def on_train_begin(self, logs=None):
        self.report(-1)

    def on_epoch_end(self, epoch, logs=None):
        self.report(epoch)

    def report(self, epoch: int) -> None:
        os.write(self.pipe, struct.pack("<i", epoch))


def train(log_dir: Path, pipe: int) -> None:
    """Train until it is killed."""
    x, y = data(8)
    callbacks = [
        tbviz.ActivationGrid(log_dir, x[:2]),
        tbviz.LayerHealth(log_dir, x[:2]),
        tbviz.GradCAM(log_dir, x[:1], y[:1]),
    ]
    model = sequential(run_eagerly=True)
    model.fit(x, y, 8, 10_000, verbose=0, callbacks=[*callbacks, ReportsEpochs(pipe)])


class KilledFit:
    """One fit, from its beginning to its death.

    Args:
        log_dir: Where it logs.
        epoch: The epoch after whose end it is killed, -1 for the beginning.
        seconds: How long after that end.
    """

    def __init__(self, log_dir: Path, epoch: int, seconds: float) -> None:
        self._number = log_dir.name
        self._epoch, self._seconds = epoch, seconds
        self._end: float | None = None
        self._received = b""
        self.pipe, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(self.pipe)
            try:
                train(log_dir, writing)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writing)

    @property
    def last(self) -> int:
        """The last epoch that it reported, -2 before the beginning."""
        return struct.unpack("<i", self._received[-4:])[0] if self._received else -2

    def read(self) -> None:
        """Read what it reports."""
        block = os.read(self.pipe, 1 << 16)
        if not block:
            raise EOFError(f"fit {self._number} ended by itself after epoch {self.last}")
        self._received += block
        if self._end is None and self.last >= self._epoch:
            self._end = time.monotonic() + self._seconds

    def is_due(self) -> bool:
        """Return whether it is time to kill it."""
        return self._end is not None and time.monotonic() >= self._end

    def kill(self) -> None:
        """Kill it and print the last epoch that it reported."""
        os.kill(self._child, signal.SIGKILL)
        _, status = os.waitpid(self._child, 0)
        while block := os.read(self.pipe, 1 << 16):
            self._received += block
        os.close(self.pipe)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it ended before"
        print(self._number, self.last, flush=True)


if __name__ == "__main__":
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    random_moments = random.Random(seed)
    waiting = list(range(count))
    running: list[KilledFit] = []
    while waiting or running:
        while waiting and len(running) < AT_ONCE:
            log_dir = directory / str(waiting.pop(0))
            epoch, seconds = (
                random_moments.randint(-1, MAX_EPOCH),
                random_moments.uniform(0, MAX_DELAY),
            )
            running.append(KilledFit(log_dir, epoch, seconds))
        ready, _, _ = select.select([one.pipe for one in running], [], [], 0.002)
        for one in list(running):
            if one.pipe in ready:
                one.read()
            if one.is_due():
                one.kill()
                running.remove(one)
