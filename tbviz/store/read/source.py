"""Define the interfaces from which the reader gets bytes: a folder, and one writer's source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


class ScannedRecord(NamedTuple):
    """A record that was found in a source.

    Args:
        meta: Its meta; the field `bytes` is the length of the payload.
        offset: Where the payload begins among the writer's bytes.
        end: How many of the writer's bytes are parsed after it, as `Source.consumed` counts them.
            Missing parts of a pack do not count.
    """

    meta: dict[str, Any]
    offset: int
    end: int


class Pack(NamedTuple):
    """One writer's pack as a folder lists it.

    Args:
        seq: Its number among the writers.
        uid: The writer.
        size: Its current bytes.
        changed: When it was last written, nanoseconds since 1970, 0 if that is not known.
    """

    seq: int
    uid: str
    size: int
    changed: int


class Source(Protocol):
    """One writer's records, local or remote. Reading raises OSError if it fails."""

    @property
    def consumed(self) -> int:
        """Return the bytes that were parsed or skipped."""

    @property
    def damaged(self) -> int:
        """Count the damaged ranges so far."""

    @property
    def name(self) -> str:
        """Return its name, for error messages."""

    def scan(self) -> Generator[ScannedRecord]:
        """Yield the records that are new since the last call; a caller may close it early."""

    def shrank(self) -> bool:
        """Return whether parsed bytes have vanished; then all of it is read again."""

    def held(self) -> bool | None:
        """Return whether a process is writing it, None if that is unknown."""

    def read(self, offset: int, length: int) -> bytes:
        """Read these bytes; return none if some of them are missing."""

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read several ranges `(offset, length)`; return no bytes for one that cannot be read."""


class Folder(Protocol):
    """The store of one run."""

    def packs(self) -> list[Pack]:
        """Return the packs with content, one per writer, in writer order; none if unreadable."""

    def reachable(self) -> bool:
        """Return whether `packs` is reliable; if not, what was known before still applies."""

    def source(self, pack: Pack, timeout: float) -> Source:
        """Return a source that reads a pack. `timeout` is that of `PackScanner`."""
