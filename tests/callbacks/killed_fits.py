"""Fits that are killed at random moments: python killed_fits.py DIRECTORY COUNT SEED.

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
LAST = 8  # the last epoch after whose end one is killed
LONGEST = 0.1  # seconds from that end on: some epochs


class Says(keras.callbacks.Callback):
    """Says that training began, and each epoch that ended. Stands behind tbviz' callbacks."""

    def __init__(self, pipe: int) -> None:
        super().__init__()
        self.pipe = pipe

    def on_train_begin(self, logs=None):
        self.say(-1)

    def on_epoch_end(self, epoch, logs=None):
        self.say(epoch)

    def say(self, epoch: int) -> None:
        os.write(self.pipe, struct.pack("<i", epoch))


def live(log_dir: Path, pipe: int) -> None:
    """Trains until it is killed."""
    x, y = data(8)
    looks = [
        tbviz.ActivationGrid(log_dir, x[:2]),
        tbviz.LayerHealth(log_dir, x[:2]),
        tbviz.GradCAM(log_dir, x[:1], y[:1]),
    ]
    model = sequential(run_eagerly=True)
    model.fit(x, y, 8, 10_000, verbose=0, callbacks=[*looks, Says(pipe)])


class Doomed:
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
        self._said = b""
        self.pipe, writing = os.pipe()
        self._child = os.fork()
        if self._child == 0:
            os.close(self.pipe)
            try:
                live(log_dir, writing)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(1)
        os.close(writing)

    @property
    def last(self) -> int:
        """The last epoch that it said, -2 before the beginning."""
        return struct.unpack("<i", self._said[-4:])[0] if self._said else -2

    def hear(self) -> None:
        """Takes in what it says."""
        block = os.read(self.pipe, 1 << 16)
        if not block:
            raise EOFError(f"fit {self._number} ended by itself after epoch {self.last}")
        self._said += block
        if self._end is None and self.last >= self._epoch:
            self._end = time.monotonic() + self._seconds

    def due(self) -> bool:
        """Whether its moment has come."""
        return self._end is not None and time.monotonic() >= self._end

    def die(self) -> None:
        """Kills it and prints what it said last."""
        os.kill(self._child, signal.SIGKILL)
        _, status = os.waitpid(self._child, 0)
        while block := os.read(self.pipe, 1 << 16):
            self._said += block
        os.close(self.pipe)
        assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "it ended before"
        print(self._number, self.last, flush=True)


if __name__ == "__main__":
    directory, count, seed = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    moments = random.Random(seed)
    waiting = list(range(count))
    living: list[Doomed] = []
    while waiting or living:
        while waiting and len(living) < AT_ONCE:
            log_dir = directory / str(waiting.pop(0))
            epoch, seconds = moments.randint(-1, LAST), moments.uniform(0, LONGEST)
            living.append(Doomed(log_dir, epoch, seconds))
        ready, _, _ = select.select([one.pipe for one in living], [], [], 0.002)
        for one in list(living):
            if one.pipe in ready:
                one.hear()
            if one.due():
                one.die()
                living.remove(one)
