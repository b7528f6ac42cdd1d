"""Kill the rewriting of a store at every step: python killed_rewrites.py COMMAND SOURCE TARGET.

It prints the number of steps. `TARGET/3-before` is a copy whose rewriting was killed before step
3, `TARGET/3-half` one where step 3 had written half of its bytes.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair

COMMANDS = {
    "prune": lambda store: list(prune(store, KeepRule(10, 0))),
    "repair": lambda store: list(repair(store)),
    "index": lambda store: list(repair(store)),
}


def die_at(step: int, *, half: bool) -> None:
    """Make the process end at this effect on the disk."""
    left = [step]

    def wrap(name, counts=lambda *_: True):
        real = getattr(os, name)

        def effect(*arguments):
            if counts(*arguments):
                if left[0] == 0:
                    if half and name == "write":
                        real(arguments[0], arguments[1][: len(arguments[1]) // 2])
                    elif half:
                        real(*arguments)
                    os._exit(9)
                left[0] -= 1
            return real(*arguments)

        setattr(os, name, effect)

    wrap("open", lambda path, flags, *_: flags & os.O_CREAT)
    for name in ("write", "replace", "unlink"):
        wrap(name)
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            wrap(name)


def main() -> None:
    command, source, target = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])
    step = 0
    while True:
        for half in (False, True):
            log_dir = target / f"{step}-{'half' if half else 'before'}"
            shutil.copytree(source, log_dir)
            child = os.fork()
            if child == 0:
                die_at(step, half=half)
                COMMANDS[command](store_directory(log_dir))
                os._exit(0)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            if code == 0:
                print(step)
                return
            assert code == 9, code
        step += 1


if __name__ == "__main__":
    main()
