"""Finds and ends all that descends from one process, by a mark in the environment.

A group of processes would miss what is started in a session of its own, as TensorBoard is by
`tbviz demo`. What is started inherits its environment, and a mark in it tells whose it is: one's
own mark, a slash, and what is new. Whose mark begins with mine descends from me.

As a script it is a warden: `python tree.py MARK` waits for the end of its standard input, which
comes when the process at the other end is gone, however that ended, and ends what has the mark.
"""

from __future__ import annotations

import os
import secrets
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

NAME = "TBVIZ_TESTS_STARTED_BY"
TIMEOUT = 10.0  # seconds to end processes; a longer wait is the fault of the system
_PROCESSES = Path("/proc")
CAN_FIND = (_PROCESSES / "self" / "environ").exists()
"""Whether the system shows what another process has in its environment, as Linux does."""


def new_mark() -> str:
    """Return a mark below that of this process."""
    return f"{os.environ.get(NAME, '')}/{secrets.token_hex(6)}"


def marked(mark: str) -> Iterator[int]:
    """Yield the processes that have this mark or one below it, except this one."""
    own = f"{NAME}={mark}"
    for directory in _PROCESSES.glob("[0-9]*") if CAN_FIND else ():
        try:
            settings = (directory / "environ").read_bytes().decode(errors="replace").split("\0")
        except OSError:  # it has ended, or it is another user's
            continue
        if int(directory.name) != os.getpid() and any(
            setting == own or setting.startswith(f"{own}/") for setting in settings
        ):
            yield int(directory.name)


def end(mark: str) -> None:
    """Kill every process with this mark, and what they start meanwhile."""
    deadline = time.monotonic() + TIMEOUT
    while (found := list(marked(mark))) and time.monotonic() < deadline:
        for process in found:
            try:
                os.kill(process, signal.SIGKILL)
            except (ProcessLookupError, PermissionError):
                continue
        time.sleep(0.01)


if __name__ == "__main__":
    sys.stdin.buffer.read()
    end(sys.argv[1])
