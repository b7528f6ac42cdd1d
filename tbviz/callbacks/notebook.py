"""Notebooks: a cell that was interrupted ends, and with it a `fit`, but no process does."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any


def when_cell_ends(act: Callable[[], None]) -> None:
    """Has something done when the cell that calls `fit` now has ended, however it ended.

    Nothing where no notebook or IPython runs this, on other threads than the main one, whose work
    may go on behind the cell, and where the callbacks are called by hand, maybe cell by cell.

    Args:
        act: what is done, once.
    """
    shell = _shell()
    if shell is None or threading.current_thread() is not threading.main_thread() or not _in_fit():
        return

    def ended(*_: Any) -> None:
        shell.events.unregister("post_run_cell", ended)
        act()

    shell.events.register("post_run_cell", ended)


def _shell() -> Any | None:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _in_fit() -> bool:
    return any(frame.f_code.co_name == "fit" for frame, _ in traceback.walk_stack(None))
