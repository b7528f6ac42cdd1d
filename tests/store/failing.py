"""Makes the n-th call of the operating system fail, and tells what a process holds open."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path

CALLS = (
    "open", "write", "lseek", "fdatasync", "fsync", "ftruncate", "fstat", "close", "mkdir",
    "listdir", "unlink", "rename", "replace", "stat", "scandir",
)  # fmt: skip


class Failing:
    """What the process asks of the operating system, of which some calls fail.

    Args:
        first: Number of the first call that fails, counted from 0; None for none.
        last: Number of the last one.
        code: How they fail.
        names: The functions of `os` that are counted.
    """

    def __init__(self, first=None, last=None, code=errno.EIO, names=CALLS):
        self.first, self.last, self.code, self.names = first, last, code, names
        self.made = []

    @contextmanager
    def __call__(self, monkeypatch):
        with monkeypatch.context() as patched:
            for name in self.names:
                patched.setattr(os, name, self._wrapped(name, getattr(os, name)))
            yield self

    def _wrapped(self, name, real):
        def call(*arguments, **named):
            number = len(self.made)
            self.made.append(name)
            if self.first is None or not self.first <= number <= self.last:
                return real(*arguments, **named)
            if name == "close":  # the descriptor is free, whatever it says
                real(*arguments)
            elif name == "write":  # as on a full disk, half of it arrives
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise OSError(self.code, os.strerror(self.code))

        return call


def held_open():
    """What this process holds open: descriptor and file."""
    found = {}
    for path in Path("/proc/self/fd").iterdir():
        try:
            found[path.name] = str(path.readlink())
        except OSError:
            continue  # the listing's own
    return found


def contents(directory):
    """Every file below a directory, and its bytes."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file()
    }
