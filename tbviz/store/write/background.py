"""Encode and write positions on a separate thread, one at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable

from tbviz.store.errors import StoreError
from tbviz.store.write.writer import Writer

_log = logging.getLogger("tbviz.store")
_MAX_FAILURES = 20

Job = Callable[[Writer], None]


class BackgroundWriter:
    """Run jobs that append to a writer, and flush after each.

    `submit` waits until the previous job is on disk. So a kill loses at most one position, and
    memory holds at most one position. The thread lives as long as there is a job. The interpreter
    waits for it at exit, also after a KeyboardInterrupt, so that no submitted job is lost if
    nobody calls `close`. A failure never reaches the thread that submits.

    Args:
        writer: What the jobs append to.
        on_error: Called with each exception, on the job's thread. Defaults to None: it is logged.

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
        """Return the CPU time of all jobs that are done."""
        return self._cpu

    def submit(self, job: Job) -> float:
        """Submit the work of one position, after waiting until the previous job is on disk.

        This is `drain` followed by `push`, for callers without a deadline. If the disk may hang
        while a model trains, call `drain` with a timeout, and then `push`.

        Args:
            job: Called with the writer; what it appended is flushed when it returns or raises.

        Returns:
            Seconds spent waiting for the previous job.
        """
        if os.getpid() != self._pid:
            return 0.0
        begin = time.perf_counter()
        self.drain()
        waited = time.perf_counter() - begin
        self.push(job)
        return waited

    def push(self, job: Job) -> None:
        """Submit a job without waiting; it runs after the jobs that were submitted before."""
        if os.getpid() != self._pid:
            return
        if self._closed:
            self._report(
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
        """Wait until all submitted jobs are on disk.

        Args:
            timeout: Maximum seconds to wait. Defaults to None: wait as long as it takes.

        Returns:
            Whether they are.
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
        """Drain, then close the writer. A failure is reported like that of a job.

        Args:
            timeout: Maximum seconds to wait. The jobs that are not on disk by then are still
                written while the process lives; it waits for them at exit. Defaults to None: wait
                as long as it takes.

        Returns:
            Whether everything is on disk.
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
            self._report(error)
        try:
            self.writer.flush()
        except Exception as error:
            self._report(error)
        self._cpu += time.thread_time() - begin

    def _report(self, error: Exception) -> None:
        try:
            if self._on_error is None:
                _log.warning("%s", error)
                _log.debug("where it was raised", exc_info=error)
            else:
                self._on_error(error)
        except Exception:
            _log.exception("on_error failed")
        for link in _linked_errors(error):
            link.__traceback__ = None  # it holds the job's arrays
        self.failures = [*self.failures, error][-_MAX_FAILURES:]


def _linked_errors(error: BaseException) -> list[BaseException]:
    """Return an error and its causes and contexts; the links of a re-raised error may be cyclic."""
    found: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is not None and all(link is not other for other in found):
            found.append(link)
            waiting += [link.__cause__, link.__context__]
    return found
