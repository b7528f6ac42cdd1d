"""Where the reader gets its bytes: a folder of writers, and one writer's records in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence


class ScannedRecord(NamedTuple):
    """A record.

    Args:
        meta: Its meta; `bytes` in it is how long the payload is.
        offset: Where the payload begins among the writer's bytes.
        end: How many of the writer's bytes have been understood with it, as `Source.consumed`
            counts them. Parts of a pack that are missing do not count.
    """

    meta: dict[str, Any]
    offset: int
    end: int


class Pack(NamedTuple):
    """One writer's pack as a folder lists it.

    Args:
        seq: Its place among the writers.
        uid: The writer.
        size: Its bytes by now.
        changed: When it was last written, nanoseconds since 1970, 0 where that is not known.
    """

    seq: int
    uid: str
    size: int
    changed: int


class Source(Protocol):
    """One writer's records, wherever they lie. What cannot be read raises OSError."""

    @property
    def consumed(self) -> int:
        """Bytes that have been understood or given up."""

    @property
    def damaged(self) -> int:
        """Damaged places met so far."""

    @property
    def name(self) -> str:
        """What errors call it."""

    def scan(self) -> Generator[ScannedRecord]:
        """The records that are new since the last call; who stops half-way closes it."""

    def shrank(self) -> bool:
        """Whether bytes are gone that were understood; then all of it is read again."""

    def held(self) -> bool | None:
        """Whether somebody writes it; None where that cannot be told."""

    def read(self, offset: int, length: int) -> bytes:
        """These bytes, none where not all of them are there."""

    def read_many(self, places: Sequence[tuple[int, int]]) -> list[bytes]:
        """As `read`, of several offsets and lengths at once; none of what cannot be read."""


class Folder(Protocol):
    """The store of one run."""

    def packs(self) -> list[Pack]:
        """The packs that hold anything, one a writer, in writer order; none where unreadable."""

    def reachable(self) -> bool:
        """Whether `packs` tells what is there; where it cannot be told, what was known holds."""

    def source(self, pack: Pack, timeout: float) -> Source:
        """What reads one of them. `timeout` is that of `PackScanner`."""
