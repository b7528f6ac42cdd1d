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
_endings: list[weakref.finalize[Any, Any]] = []


def end_before_exit(ending: weakref.finalize[Any, Any]) -> None:
    """Have something ended when the interpreter begins to exit, if it is still open then.

    Args:
        ending: Ends it. On a Python that cannot be asked for this it does so at `atexit`.
    """
    _endings[:] = [other for other in _endings if other.alive]
    _endings.append(ending)


def _end_all() -> None:
    while _endings:
        try:
            _endings.pop()()
        except Exception:
            _log.exception("a run could not be ended")


# Private, but what `concurrent.futures` closes its pools by; what registers last is called first.
_register = getattr(threading, "_register_atexit", None)
if _register is not None:
    _register(_end_all)
