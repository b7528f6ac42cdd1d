"""Define how the limits report what they do: the signature of the run log's notices."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tbviz.store.format.events import Event


class Notify(Protocol):
    """Reports a notice; see `tbviz.callbacks.run.run_log.RunLog.notice`."""

    def __call__(
        self,
        method: str,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        *,
        event: Event,
        rule: str | None = None,
        detail: Iterable[object] = (),
    ) -> None:
        """Report it."""
