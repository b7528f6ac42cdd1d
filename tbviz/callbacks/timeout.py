"""Patience: what may hang, such as a store on a network, is not waited for without end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class BackgroundCall(Generic[Value]):
    """A question that a thread of its own answers, one at a time.

    Args:
        question: what is asked; where it raises there is no answer.
    """

    def __init__(self, question: Callable[[], Value]) -> None:
        self._question = question
        self._thread: threading.Thread | None = None
        self._answer: Value | None = None

    @property
    def open(self) -> bool:
        """Whether a question was asked and hangs."""
        return self._thread is not None and self._thread.is_alive()

    def answer(self, timeout: float) -> Value | None:
        """The newest answer, `None` where there is none yet.

        Asks, unless the question before is still open. Where that takes longer or fails, the
        answer is one of before.

        Args:
            timeout: seconds to wait at most.
        """
        thread = self._thread
        if thread is None or not self.open:
            # A daemon: where the disk hangs for good, the interpreter ends all the same.
            thread = threading.Thread(target=self._ask, name="tbviz-asks", daemon=True)
            self._thread = thread
            try:
                thread.start()
            except RuntimeError:  # the interpreter is going down, or there are too many threads
                self._thread = None
                return self._answer
        thread.join(timeout)
        return self._answer

    def _ask(self) -> None:
        try:
            self._answer = self._question()
        except Exception:
            return
