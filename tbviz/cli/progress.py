"""A line an epoch, for those who watch the terminal."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import keras


class Progress(keras.callbacks.Callback):
    """Says at the end of each epoch how far training is and how long the epoch took.

    Args:
        say: what prints a line.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        super().__init__()
        self._say = say
        self._started = 0.0

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Start the clock."""
        self._started = time.monotonic()

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Say the epoch's line."""
        values = " · ".join(
            f"{name.replace('val_', 'validation ')} {float(value):.3f}"
            for name, value in (logs or {}).items()
        )
        seconds = time.monotonic() - self._started
        planned = self.params.get("epochs", "?")
        self._say(f"epoch {epoch + 1} of {planned} · {values} · {seconds:.1f} s")
