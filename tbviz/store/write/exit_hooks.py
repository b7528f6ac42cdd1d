"""Close what is open while an exiting interpreter can still reach the network.

`atexit` is too late: by then thread pools accept no work, and the libraries below fsspec look up
addresses in a thread pool.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - it must have registered before we do
import logging
import threading
import weakref
from typing import Any

_log = logging.getLogger("tbviz.store")
_hooks: list[tuple[weakref.finalize[Any, Any], threading.Thread]] = []


def run_before_exit(finalizer: weakref.finalize[Any, Any]) -> None:
    """Run a finalizer when the interpreter begins to exit, if it has not run before.

    Args:
        finalizer: It runs at `atexit` instead if this Python has no earlier hook, or if the thread
            that calls this function is still running then: the interpreter waits for that thread.
    """
    _hooks[:] = [one for one in _hooks if one[0].alive]
    _hooks.append((finalizer, threading.current_thread()))


def _run_all() -> None:
    while _hooks:
        finalizer, thread = _hooks.pop()
        running = thread.is_alive() and thread is not threading.main_thread()
        if running and not thread.daemon:
            continue
        try:
            finalizer()
        except Exception:
            _log.exception("the end of a run could not be written")


# Private, but `concurrent.futures` closes its pools with it. The last one registered runs first.
_register = getattr(threading, "_register_atexit", None)
if _register is not None:
    _register(_run_all)
