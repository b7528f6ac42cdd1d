"""Ending what is open while an exiting interpreter can still reach the network.

`atexit` comes too late for that: by then thread pools take nothing more, and the libraries below
fsspec look up addresses in one.
"""

from __future__ import annotations

import concurrent.futures.thread  # noqa: F401 - it must have registered before we do
import logging
import threading
import weakref
from typing import Any

_log = logging.getLogger("tbviz.store")
_hooks: list[tuple[weakref.finalize[Any, Any], threading.Thread]] = []


def run_before_exit(ending: weakref.finalize[Any, Any]) -> None:
    """Have something ended when the interpreter begins to exit, if it is still open then.

    Args:
        ending: Ends it. On a Python that cannot be asked for this it does so at `atexit`, and so
            it does where the thread that calls this is still at work then: the interpreter waits
            for it.
    """
    _hooks[:] = [one for one in _hooks if one[0].alive]
    _hooks.append((ending, threading.current_thread()))


def _run_all() -> None:
    while _hooks:
        ending, thread = _hooks.pop()
        at_work = thread.is_alive() and thread is not threading.main_thread()
        if at_work and not thread.daemon:
            continue
        try:
            ending()
        except Exception:
            _log.exception("a run could not be ended")


# Private, but what `concurrent.futures` closes its pools by; what registers last is called first.
_register = getattr(threading, "_register_atexit", None)
if _register is not None:
    _register(_run_all)
