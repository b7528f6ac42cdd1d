"""Keep writers and other commands away from a pack that is being rewritten.

The lock is the same one that a writer holds.
"""

from __future__ import annotations

import os
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tbviz.store.disk.locks import hold
from tbviz.store.errors import StoreError
from tbviz.store.maintain.extents import segment_of
from tbviz.store.read import run_index
from tbviz.store.read.pack_scanner import PackScanner

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class BusyError(StoreError):
    """Another process is writing or rewriting the pack. The text does not name the pack."""


@contextmanager
def exclusive(pack: Path, *, force: bool = False) -> Iterator[None]:
    """Keep all other processes from writing or rewriting a pack while the context lasts.

    Args:
        pack: An existing pack.
        force: Whether to continue if the file system has no locks and the run looks alive. Defaults
            to False.

    Raises:
        BusyError: If it is being written or rewritten.
        OSError: If it cannot be opened, or was deleted in the meantime.
    """
    descriptor = os.open(pack, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0))
    try:
        locked = hold(descriptor)
        if locked is False:
            raise BusyError(
                "skipped, because it is being written; repeat the command when that has ended"
            )
        if locked is None and not force and _is_live(pack):
            raise BusyError(
                "skipped, because it may be being written and the file system has no locks to "
                "check that; if no training writes to it, use --force"
            )
        if os.fstat(descriptor).st_nlink == 0:
            raise FileNotFoundError(f"{pack.name} was rewritten by another process in the meantime")
        yield
    finally:
        os.close(descriptor)


def _is_live(pack: Path) -> bool:
    segment = segment_of(pack, PackScanner(pack))
    return run_index.status(segment, time.time()) == "live"
