"""A real TensorBoard."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@contextmanager
def tensorboard(logdir: Path, *flags: str) -> Iterator[str]:
    """A TensorBoard on a free port; gives its address."""
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir)]
    command += ["--host", "127.0.0.1", "--port", "0", *flags]
    log = logdir.parent / f"{logdir.name}-tensorboard.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=output)
        try:
            yield _address(process, log)
        finally:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _address(process: subprocess.Popen[bytes], log: Path) -> str:
    give_up = time.monotonic() + 120
    while time.monotonic() < give_up:
        found = re.search(r"http://127\.0\.0\.1:\d+\S*", log.read_text(errors="replace"))
        if found:
            return found[0].rstrip("/")
        assert process.poll() is None, log.read_text()
        time.sleep(0.1)
    pytest.fail(f"TensorBoard did not start: {log.read_text()}")
