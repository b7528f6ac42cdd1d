"""What takes a writer's records to where they stay."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbviz.store.record import Record


class Sink(Protocol):
    """One writer's records, on a disk or in an object store. Used by one thread at a time."""

    remedy: str
    """What was expected and what to do where a write failed, for a person."""

    @property
    def path(self) -> Path | None:
        """The pack, None before there is one and where there is no such file."""

    @property
    def size(self) -> int:
        """Bytes of the pack that are stored."""

    def write(self, records: Sequence[Record]) -> None:
        """Store these, all of them or, raising any exception, none that a reader would miss."""

    def catch_up(self) -> None:
        """Store what an earlier write left undone that readers can do without. Never fails."""

    def gone(self) -> bool:
        """Whether what was stored has been deleted."""

    def close(self) -> None:
        """Give back what is open. Nothing is stored afterwards: `write` raises.

        Raises:
            OSError: If that fails; it is given back all the same.
        """
