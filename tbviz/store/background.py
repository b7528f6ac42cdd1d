"""One position's encoding and writing, on a thread of its own, one position at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from tbviz.store.errors import StoreError
from tbviz.store.writer import Writer

_log = logging.getLogger("tbviz.store")
_KEPT = 20

Job = Callable[[Writer], None]


class BackgroundWriter:
    """Runs jobs that append to a writer, and flushes after each.

    Handing over a job waits until the former one is on disk, so that a kill loses the position
    in hand and no other, and memory holds one position at most. A thread lives as long as there
    is a job; the interpreter waits for it at exit, also after a KeyboardInterrupt, so that
    nothing handed over is lost where nobody calls `close`. A failure never reaches the thread
    that hands over.

    Args:
        writer: What the jobs append to.
        on_error: Called with each exception, on the job's thread. By default it is logged.

    Attributes:
        failures: The last exceptions, oldest first, without their tracebacks.
    """

    def __init__(
        self,
        writer: Writer,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        self.writer = writer
        self.failures: list[Exception] = []
        self._on_error = on_error
        self._pid = os.getpid()
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._idle = threading.Event()
        self._idle.set()
        self._thread: threading.Thread | None = None
        self._cpu = 0.0
        self._closed = False

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all jobs that are done."""
        return self._cpu

    def submit(self, job: Job) -> float:
        """Hand over one position's work; where the former is not on disk yet, wait for it.

        This is `drain` and `push`, for who writes without a deadline. Where a disk may hang, as
        beside a training, ask `drain` with a timeout, and push what should be written then.

        Args:
            job: Called with the writer; what it appended is flushed when it returns or raises.

        Returns:
            Seconds spent waiting for the former job.
        """
        if os.getpid() != self._pid:
            return 0.0
        begin = time.perf_counter()
        self.drain()
        waited = time.perf_counter() - begin
        self.push(job)
        return waited

    def push(self, job: Job) -> None:
        """Hand over work without waiting: it follows what was handed over before."""
        if os.getpid() != self._pid:
            return
        if self._closed:
            self._failed(
                StoreError("received a job after close(); expected none; make a new Writer")
            )
            return
        with self._lock:
            self._jobs.append(job)
            if not self._idle.is_set():
                return  # the thread that is at work takes it
            self._idle.clear()
        # Not a daemon: the interpreter joins it before it takes itself apart.
        thread = threading.Thread(target=self._work, name="tbviz-writer", daemon=False)
        self._thread = thread
        try:
            thread.start()
        except RuntimeError:  # the interpreter is going down, or there are too many threads
            self._thread = None
            self._work()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what was handed over is on disk.

        Args:
            timeout: Seconds to wait at most; None waits as long as it takes.

        Returns:
            Whether it is.
        """
        if os.getpid() != self._pid or self._thread is threading.current_thread():
            return True
        if not self._idle.wait(timeout):
            return False
        thread, self._thread = self._thread, None
        if thread is not None:
            thread.join()  # it has nothing left to do: no thread outlives a drain
        return True

    def close(self, timeout: float | None = None) -> bool:
        """Drain, then close the writer. A failure goes where those of jobs go.

        Args:
            timeout: Seconds to wait at most. What is not on disk by then is written all the
                same, as long as the process lives; it waits for it at exit.

        Returns:
            Whether all is on disk.
        """
        if os.getpid() != self._pid:
            return True
        if not self._closed:
            self.push(lambda writer: writer.close())
            self._closed = True
        return self.drain(timeout)

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._idle.set()
                    return
                job = self._jobs.popleft()
            self._run(job)
            del job  # it holds a position's arrays

    def _run(self, job: Job) -> None:
        begin = time.thread_time()
        try:
            job(self.writer)
        except Exception as error:
            self._failed(error)
        try:
            self.writer.flush()
        except Exception as error:
            self._failed(error)
        self._cpu += time.thread_time() - begin

    def _failed(self, error: Exception) -> None:
        try:
            if self._on_error is None:
                _log.warning("%s", error)
                _log.debug("where it was raised", exc_info=error)
            else:
                self._on_error(error)
        except Exception:
            _log.exception("on_error failed")
        for link in _chain(error):
            link.__traceback__ = None  # it holds the job's arrays
        self.failures = [*self.failures, error][-_KEPT:]


def _chain(error: BaseException) -> list[BaseException]:
    """An error and all that it came of; libraries that raise one again tie chains to rings."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and all(link is not other for other in found):
            found.append(link)
            waiting += [link.__cause__, link.__context__]
    return found
