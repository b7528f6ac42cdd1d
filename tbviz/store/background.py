"""One position's encoding and writing, on a thread of its own, one position at a time."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable

from tbviz.store.errors import StoreError
from tbviz.store.writer import Writer

_log = logging.getLogger("tbviz.store")
_KEPT = 20

Job = Callable[[Writer], None]


class BackgroundWriter:
    """Runs jobs that append to a writer, and flushes after each.

    Handing over a job waits until the former one is on disk, so that a kill loses the position
    in hand and no other. Each job has a thread that ends with it; the interpreter waits for it
    at exit, also after a KeyboardInterrupt, so that nothing handed over is lost where nobody
    calls `close`. A failure never reaches the thread that hands over.

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
        self._thread: threading.Thread | None = None
        self._cpu = 0.0
        self._closed = False

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all jobs that are done."""
        return self._cpu

    def submit(self, job: Job) -> float:
        """Hand over one position's work.

        Args:
            job: Called with the writer; what it appended is flushed when it returns or raises.

        Returns:
            Seconds spent waiting for the former job.
        """
        if os.getpid() != self._pid:
            return 0.0
        if self._closed:
            self._failed(
                StoreError("received a job after close(); expected none; make a new Writer")
            )
            return 0.0
        begin = time.perf_counter()
        self.drain()
        waited = time.perf_counter() - begin
        # Not a daemon: the interpreter joins it before it takes itself apart.
        thread = threading.Thread(target=self._run, args=(job,), name="tbviz-writer", daemon=False)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is going down, or there are too many threads
            self._run(job)
        else:
            self._thread = thread
        return waited

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until what was handed over is on disk.

        Args:
            timeout: Seconds to wait at most; None waits as long as it takes.

        Returns:
            Whether it is.
        """
        thread = self._thread
        if thread is None or os.getpid() != self._pid or thread is threading.current_thread():
            return True
        thread.join(timeout)
        if thread.is_alive():
            return False
        self._thread = None
        return True

    def close(self) -> None:
        """Drain, then close the writer. A failure goes where those of jobs go."""
        if self._closed or os.getpid() != self._pid:
            return
        self.drain()
        self._closed = True
        try:
            self.writer.close()
        except Exception as error:
            self._failed(error)

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
        link: BaseException | None = error
        while link is not None:
            link.__traceback__ = None  # it holds the job's arrays
            link = link.__cause__ or link.__context__
        self.failures = [*self.failures, error][-_KEPT:]
