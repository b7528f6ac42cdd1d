"""A real TensorBoard."""

from __future__ import annotations

import re
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from children.starting import TimeoutExpired, started

ROOT = Path(__file__).parents[2]


@contextmanager
def tensorboard(logdir: Path, *flags: str) -> Iterator[str]:
    """A TensorBoard on a free port; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", "0", *flags]
    log = logdir.parent / f"{logdir.name}-tensorboard.log"
    with (
        log.open("wb") as output,
        started(command, cwd=ROOT, stdout=output, stderr=output) as process,
    ):
        yield _address(process, log)
        process.send_signal(signal.SIGINT)
        with suppress(TimeoutExpired):
            process.wait(20)


def _address(process: Any, log: Path) -> str:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        found = re.search(r"http://127\.0\.0\.1:\d+\S*", log.read_text(errors="replace"))
        if found:
            return found[0].rstrip("/")
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(f"TensorBoard did not start: {log.read_text()}")
