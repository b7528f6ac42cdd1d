"""Requests all routes for a log directory: python bounds.py LOGDIR. Prints what it took.

A process of its own: its memory is that of the routes, and what it opens is theirs.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[2]))

from plugin.asking import Asker
from plugin.conftest import Board


def peak() -> int:
    """The most bytes that this program has had in memory by now."""
    # Not ru_maxrss: that begins with the peak of whoever started this process.
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line.split()[1] for line in lines if line.startswith("VmHWM:")))


def unit_of_work() -> float:
    """Measure the seconds of CPU that Python takes here for a fixed amount of answers' content.

    A busy or a slow machine takes longer for both.
    """
    text = json.dumps([{"kind": "metrics", "epoch": epoch, "values": {}} for epoch in range(1000)])
    begin = time.process_time()
    for _ in range(200):
        sorted(json.loads(text), key=lambda meta: -meta["epoch"])
    return time.process_time() - begin


if __name__ == "__main__":
    logging.disable()
    logdir = sys.argv[1]
    opened: set[str] = set()
    # What is imported late is no answer's doing.
    import numpy.core  # noqa: F401
    from PIL import PngImagePlugin  # noqa: F401

    # No machine is to be taken down by a test that fails.
    resource.setrlimit(resource.RLIMIT_AS, (16 << 30, resource.RLIM_INFINITY))

    def note(event: str, args: tuple[object, ...]) -> None:
        if event == "open" and not isinstance(args[0], int):  # a descriptor that is open already
            opened.add(os.fsdecode(args[0]))

    unit = unit_of_work()
    before, begin = peak(), time.process_time()
    sys.addaudithook(note)
    asker = Asker(Board(logdir=logdir, flags=None))
    asker.everything()
    said = {
        "opened": sorted(opened),  # before memory is read from a file
        "bytes": peak() - before,
        "seconds": time.process_time() - begin,
        "unit": unit,
        "counts": asker.counts,
        "wrong": asker.wrong,
    }
    print(json.dumps(said))
