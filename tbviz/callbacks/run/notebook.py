"""Notice in a notebook that an interrupted cell has ended, and `fit` with it."""

from __future__ import annotations

import inspect
import sys
import threading
import traceback
from collections.abc import Callable
from types import CodeType
from typing import Any

import keras


def when_cell_ends(act: Callable[[], None]) -> None:
    """Call a function when the cell that calls `fit` now has ended, however it ended.

    Do nothing if no notebook or IPython runs this, on other threads than the main one, whose work
    may go on after the cell, and if the callbacks are called by hand, possibly cell by cell.

    Args:
        act: The function, called once.
    """
    shell = _shell()
    if shell is None or not _on_main_thread() or not in_fit():
        return

    def ended(*_: Any) -> None:
        if not _on_main_thread() or in_fit():
            return  # another cell's end: of a subshell, or one that is run within fit
        shell.events.unregister("post_run_cell", ended)
        act()

    shell.events.register("post_run_cell", ended)


def _shell() -> Any | None:
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def _on_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


def in_fit() -> bool:
    """Return whether Keras' own `fit` calls this.

    The user's own loop does not count, whatever its function or method is called. A model's class
    may override `fit`, and a wrapper may have one: it counts if it calls that of Keras.
    """
    fits = _code_of_fit()
    return any(frame.f_code in fits for frame, _ in traceback.walk_stack(None))


def _code_of_fit() -> set[CodeType]:
    """Return the code of `fit` in `keras.Model` and in the trainers that it is made of.

    Keras wraps it to shorten tracebacks, in code that its other methods share.
    """
    methods = (vars(base).get("fit") for base in keras.Model.__mro__)
    return {inspect.unwrap(method).__code__ for method in methods if inspect.isfunction(method)}
