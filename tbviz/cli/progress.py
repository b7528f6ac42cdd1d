"""Print one line per epoch to the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras


class Progress(keras.callbacks.Callback):
    """Report at the end of each epoch its metrics and its duration.

    Args:
        say: Called with each line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Print the epoch's line."""
        values = " · ".join(
            f"{name.replace('val_', 'validation ')} {float(value):.3f}"
            for name, value in (logs or {}).items()
        )
        seconds = time.monotonic() - self._started
        planned = self.params.get("epochs", "?")
        self._say(f"epoch {epoch + 1} of {planned} · {values} · {seconds:.1f} s")
