"""Read the parts of a writer's virtual pack."""

from __future__ import annotations

import io
import time
from bisect import bisect_right
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, cast

from tbviz.store.format.names import Parts
from tbviz.store.format.part import decode_footer, footer_size
from tbviz.store.read.records import index_entry, next_record, record_at
from tbviz.store.read.source import ScannedRecord

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

# The guessed length of the first footers; later ones are guessed from those read before.
_FIRST_GUESS = 64 << 10
_MIN_GUESS = 4 << 10
_AT_ONCE = 64
# Records that are found by hopping are far apart: this many bytes are read for each.
_STRIDE = 64 << 10
# A missing part may still arrive: the reader waits for it this many times the timeout.
_WAITS = 15


class Blobs(Protocol):
    """Immutable files or objects of a folder. Reading raises OSError if it fails."""

    def parts(self, uid: str) -> Parts | None:
        """Return a writer's parts as they were last listed, None if there are none."""

    def read(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | OSError]:
        """Read several ranges at once: name, first byte and the byte after the last one of each."""


class _Part(NamedTuple):
    """The content of a part; `before` is None if its footer is damaged."""

    start: int
    end: int
    before: int | None
    found: Sequence[ScannedRecord]


class PartSource:
    """Yield the records of one writer's parts, each once, as they are stored.

    Args:
        blobs: The files or objects.
        uid: The writer.
        timeout: Seconds. If it is not 0, the reader waits some time for a missing part. Defaults to
            0.0.

    Attributes:
        consumed: Bytes of the records of the parts that have been read; gaps do not count.
        damaged: How many parts are damaged or missing.
    """

    def __init__(self, blobs: Blobs, uid: str, timeout: float = 0.0) -> None:
        self._blobs = blobs
        self._uid = uid
        self._timeout = timeout
        self.consumed = 0
        self.damaged = 0
        self._parts = Parts(0, uid, {})
        self._taken: dict[int, int] = {}  # start to size of the object
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._whole = True  # whether the end of the last part is known
        self._guess = _FIRST_GUESS
        self._gap: tuple[int, float] | None = None  # before which part, and since when

    @property
    def name(self) -> str:
        """Return the prefix of the names of its parts."""
        return f"{self._parts.seq:06d}-{self._uid}"

    def scan(self) -> Generator[ScannedRecord]:
        """Yield the records that are new since the last call.

        Raises:
            OSError: If a part cannot be read; those before it have been read.
        """
        parts = self._blobs.parts(self._uid)
        if parts is None:
            return
        self._parts = parts
        new = sorted(parts.sizes.keys() - self._taken.keys())
        for first in range(0, len(new), _AT_ONCE):
            for got in self._read(new[first : first + _AT_ONCE]):
                if self._ends and got.start < self._ends[-1]:
                    self._skip(got)  # parts written by tbviz never overlap
                    continue
                if not self._follows(got):
                    return
                before = self.consumed
                self._take(got)
                for found in got.found:
                    # `end` counts as `consumed` does, which a cursor contains.
                    yield found._replace(end=before + found.end - got.start)

    def shrank(self) -> bool:
        """Return whether a part vanished or changed, or a late one arrived in a gap."""
        parts = self._blobs.parts(self._uid)
        sizes = parts.sizes if parts is not None else {}
        end = self._ends[-1] if self._ends else 0
        late = any(start < end for start in sizes.keys() - self._taken.keys())
        return late or any(sizes.get(start) != size for start, size in self._taken.items())

    def held(self) -> None:
        """Return None: an object store cannot report whether a process is writing."""

    def read(self, offset: int, length: int) -> bytes:
        """Read bytes of the virtual pack; return none if they are not all in one part.

        Raises:
            OSError: If the part cannot be read.
        """
        byte_range = self._range(offset, length)
        return _read(self._blobs, *byte_range) if byte_range is not None else b""

    def read_many(self, ranges: Sequence[tuple[int, int]]) -> list[bytes]:
        """Read several ranges `(offset, length)`; return no bytes for one that cannot be read."""
        located = [self._range(offset, length) for offset, length in ranges]
        wanted = [byte_range for byte_range in located if byte_range is not None]
        got = iter(self._blobs.read(wanted) if wanted else ())
        data = [b"" if byte_range is None else next(got) for byte_range in located]
        return [b"" if isinstance(one, OSError) else one for one in data]

    def _range(self, offset: int, length: int) -> tuple[str, int, int] | None:
        index = bisect_right(self._starts, offset) - 1
        if index < 0 or offset + length > self._ends[index]:
            return None
        start = self._starts[index]
        return self._parts.name(start), offset - start, offset - start + length

    def _follows(self, got: _Part) -> bool:
        """Return whether to continue with this part; count a missing part before it as damage."""
        end = self._ends[-1] if self._ends else 0
        missing = self._whole and got.before is not None and got.before != end and got.start > end
        if not missing:
            return True
        if self._gap is None or self._gap[0] != got.start:
            self._gap = (got.start, time.monotonic())
        if time.monotonic() - self._gap[1] < self._timeout * _WAITS:
            return False
        self.damaged += 1
        return True

    def _skip(self, got: _Part) -> None:
        self._taken[got.start] = self._parts.sizes[got.start]
        self.damaged += 1

    def _take(self, got: _Part) -> None:
        self._taken[got.start] = self._parts.sizes[got.start]
        # In this order: other threads search for a start, then read its end.
        self._ends.append(got.end)
        self._starts.append(got.start)
        self._whole = got.before is not None
        self.damaged += not self._whole
        self.consumed += got.end - got.start

    def _read(self, starts: Sequence[int]) -> Iterator[_Part]:
        names = [self._parts.name(start) for start in starts]
        sizes = [self._parts.sizes[start] for start in starts]
        tails = self._tails(names, sizes, [self._guess] * len(names))
        # Footers that are longer than the guess.
        needs = [footer_size(tail) for tail in tails]
        again = [i for i, need in enumerate(needs) if len(tails[i]) < need <= sizes[i]]
        sizes_and_lengths = ([values[i] for i in again] for values in (sizes, needs))
        longer = self._tails([names[i] for i in again], *sizes_and_lengths)
        for i, tail in zip(again, longer, strict=True):
            tails[i] = tail
        if any(needs):
            self._guess = max(_MIN_GUESS, max(needs) * 5 // 4)
        for start, name, size, tail in zip(starts, names, sizes, tails, strict=True):
            got = _footer(start, size, tail)
            yield got if got is not None else self._hop(start, name, size)

    def _tails(
        self, names: Sequence[str], sizes: Sequence[int], lengths: Sequence[int]
    ) -> list[bytes]:
        ranges = [
            (name, max(0, size - length), size)
            for name, size, length in zip(names, sizes, lengths, strict=True)
        ]
        return [_whole(data) for data in self._blobs.read(ranges)] if ranges else []

    def _hop(self, start: int, name: str, size: int) -> _Part:
        """Read a part whose footer is damaged, by its records' headers."""
        file = cast(BinaryIO, _BlobFile(self._blobs, name, size))
        found, begin = [], 0
        while begin < size:
            at = record_at(file, begin, size)
            if isinstance(at, ScannedRecord):
                found.append(at._replace(offset=start + at.offset, end=start + at.end))
                begin = at.end
            else:
                following = next_record(file, begin + 1, size)
                if following is None or following <= begin:
                    break
                begin = following
        end = found[-1].end if found else start
        return _Part(start, end, None, found)


class _BlobFile(io.RawIOBase):
    """A blob as a readable and seekable file."""

    def __init__(self, blobs: Blobs, name: str, size: int) -> None:
        super().__init__()
        self._blobs = blobs
        self._name = name
        self._size = size
        self._at = 0
        self._buffer = (0, b"")

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        return self._at

    def read(self, length: int = -1) -> bytes:
        end = self._size if length < 0 else min(self._size, self._at + length)
        begin, data = self._buffer
        if not begin <= self._at <= end <= begin + len(data):
            begin = self._at
            stop = min(self._size, max(end, begin + _STRIDE))
            data = _read(self._blobs, self._name, begin, stop)
            self._buffer = (begin, data)
        taken = data[self._at - begin : end - begin]
        self._at += len(taken)
        return taken


def _footer(start: int, size: int, tail: bytes) -> _Part | None:
    """Return the part that ends with these bytes; return None if its footer is damaged."""
    footer = decode_footer(tail)
    if footer is None:
        return None
    end = start + size - footer.size
    found, at = [], start
    for line in footer.lines:
        entry = index_entry(line)
        if entry is None or entry[0] != at or entry[1].end > end:
            return None
        found.append(entry[1])
        at = entry[1].end
    return _Part(start, end, footer.before, found) if at == end else None


def _read(blobs: Blobs, name: str, begin: int, end: int) -> bytes:
    return _whole(blobs.read([(name, begin, end)])[0]) if begin < end else b""


def _whole(data: bytes | OSError) -> bytes:
    if isinstance(data, OSError):
        raise data
    return data
