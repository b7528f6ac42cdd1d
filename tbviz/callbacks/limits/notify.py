"""Describe the function with which the limits report a notice."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from tbviz.store.format.events import Event


class Notify(Protocol):
    """Reports a notice; `Notices.report` of `tbviz/callbacks/run/notices.py` does."""

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
