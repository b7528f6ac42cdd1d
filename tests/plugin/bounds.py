"""Asks all routes about a log directory: python bounds.py LOGDIR. Prints what it took.

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
    """The most bytes that this process has had in memory by now."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


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

    sys.addaudithook(note)
    before, begin = peak(), time.process_time()
    asker = Asker(Board(logdir=logdir, flags=None))
    asker.everything()
    said = {
        "bytes": peak() - before,
        "seconds": time.process_time() - begin,
        "opened": sorted(opened),
        "counts": asker.counts,
        "wrong": asker.wrong,
    }
    print(json.dumps(said))
