"""Print to the terminal, one plain line at a time, and silence libraries."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager


def say(text: str) -> None:
    """Print a line at once, even if the output is a pipe."""
    print(f"tbviz: {text}", flush=True)


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Suppress what libraries write to standard error while they are imported.

    TensorFlow's C++ code tells every machine without a GPU about CUDA drivers, before its own
    `TF_CPP_MIN_LOG_LEVEL` takes effect. If the import fails, the suppressed text is printed.
    """
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as held:
        os.dup2(held.fileno(), 2)
        try:
            yield
        except BaseException:
            held.seek(0)
            os.write(saved, held.read())
            raise
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)
