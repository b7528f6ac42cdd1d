"""Define the interface to the storage of a writer's records."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tbviz.store.format.record import Record


class Sink(Protocol):
    """One writer's storage, on a disk or in an object store. Used by one thread at a time."""

    remedy: str
    """What was expected and what to do if a write fails, for the user."""

    @property
    def path(self) -> Path | None:
        """Return the pack, None before it exists and in an object store."""

    @property
    def size(self) -> int:
        """Return the bytes of the pack that are stored."""

    def write(self, records: Sequence[Record]) -> None:
        """Store all records; if an exception is raised, readers see none of them."""

    def catch_up(self) -> None:
        """Store optional data that earlier writes could not store. Never fails."""

    def gone(self) -> bool:
        """Return whether the stored records have been deleted."""

    def close(self) -> None:
        """Release all resources. Nothing is stored afterwards: `write` raises an error.

        Raises:
            OSError: If that fails; the resources are released nevertheless.
        """
