"""Make the n-th call of the operating system fail, and list the open files of a process."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from pathlib import Path

CALLS = (
    "open", "write", "lseek", "fdatasync", "fsync", "ftruncate", "fstat", "close", "mkdir",
    "listdir", "unlink", "rename", "replace", "stat", "scandir",
)  # fmt: skip


class FailingCalls:
    """The calls of the operating system by this process, of which some fail.

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
                patched.setattr(os, name, self._wrap(name, getattr(os, name)))
            yield self

    def _wrap(self, name, real):
        def call(*arguments, **named):
            number = len(self.made)
            self.made.append(name)
            if self.first is None or not self.first <= number <= self.last:
                return real(*arguments, **named)
            if name == "close":  # the descriptor is released even if it fails
                real(*arguments)
            elif name == "write":  # half of it is written, as on a full disk
                real(arguments[0], arguments[1][: len(arguments[1]) // 2])
            raise OSError(self.code, os.strerror(self.code))

        return call


def held_open():
    """Return the open files of this process, by descriptor."""
    found = {}
    for path in Path("/proc/self/fd").iterdir():
        try:
            found[path.name] = str(path.readlink())
        except OSError:
            continue  # the listing's own
    return found


def contents(directory):
    """Return the bytes of every file below a directory."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file()
    }
