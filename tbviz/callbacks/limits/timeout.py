"""Run a call that may hang, such as one to a network store, and give up after a while."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BackgroundCall(Generic[Value]):
    """A function that runs in its own thread, one call at a time.

    Args:
        function: What is called; if it raises, the call has no result.
    """

    def __init__(self, function: Callable[[], Value]) -> None:
        self._function = function
        self._thread: threading.Thread | None = None
        self._result: Value | None = None

    @property
    def running(self) -> bool:
        """Return whether a call has not returned yet."""
        return self._thread is not None and self._thread.is_alive()

    def result(self, timeout: float) -> Value | None:
        """Return the newest result, None if there is none yet.

        Starts a call, unless the one before is still running. If the call takes longer or fails,
        the result is an earlier one.

        Args:
            timeout: Seconds to wait at most.
        """
        thread = self._thread
        if thread is None or not self.running:
            # A daemon: if the disk hangs for good, the interpreter can still exit.
            thread = threading.Thread(target=self._run, name="tbviz-call", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down, or there are too many threads
                self._thread = None
                return self._result
        thread.join(timeout)
        return self._result

    def _run(self) -> None:
        try:
            self._result = self._function()
        except Exception:
            return
