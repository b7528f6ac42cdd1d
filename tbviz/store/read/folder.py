"""Read a store in a local directory, and choose the folder class for a location."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tbviz.store.disk.files import open_file
from tbviz.store.disk.locations import Location, RemoteLocation, location_of
from tbviz.store.format.names import Parts, group_parts, pack_name
from tbviz.store.format.schema import FILE_NAME
from tbviz.store.read.object_store_folder import ObjectStoreFolder
from tbviz.store.read.pack_scanner import PackScanner
from tbviz.store.read.part_source import PartSource
from tbviz.store.read.records import read_at
from tbviz.store.read.source import Folder, Pack, Source

_TRIES = 20


@dataclass(frozen=True)
class LocalFolder:
    """The store in a directory, `<log_dir>/plugins/tbviz`. It need not exist yet.

    Parts that were copied from an object store are read too.
    """

    directory: Path

    def packs(self) -> list[Pack]:
        """Return the packs with content, one per writer, in writer order; none if unreadable."""
        packs: dict[str, Pack] = {}
        try:
            files = self._files()
        except OSError:
            return []
        for name, (size, changed) in files.items():
            match = FILE_NAME.fullmatch(name)
            if match is not None and size:
                packs.setdefault(match["uid"], Pack(int(match["seq"]), match["uid"], size, changed))
        for uid, parts in group_parts({name: size for name, (size, _) in files.items()}).items():
            packs.setdefault(uid, Pack(parts.seq, uid, sum(parts.sizes.values()), 0))
        return sorted(packs.values())

    def reachable(self) -> bool:
        """Return whether `packs` is reliable: the directory can be listed, or does not exist."""
        try:
            with os.scandir(self.directory) as entries:
                for _ in entries:  # it may open, and then fail while it is being read
                    continue
                return True
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False

    def source(self, pack: Pack, timeout: float) -> Source:
        """Return a source that reads a pack."""
        path = self.directory / pack_name(pack.seq, pack.uid)
        # A pack in parts has no known time; one with a time has vanished in the meantime.
        if pack.changed or path.exists():
            return PackScanner(path, timeout)
        return PartSource(self, pack.uid, timeout)

    def parts(self, uid: str) -> Parts | None:
        """Return the current parts of a writer."""
        return group_parts({name: size for name, (size, _) in self._files().items()}).get(uid)

    def read(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | OSError]:
        """Read several ranges of files."""
        return [self._range(*byte_range) for byte_range in ranges]

    def _files(self) -> dict[str, tuple[int, int]]:
        """Return the size and modification time of every file, by name, in order."""
        names = self._names()
        for _ in range(_TRIES):
            files = {}
            for name in names:
                try:
                    status = (self.directory / name).stat()
                except OSError:
                    continue
                if stat.S_ISREG(status.st_mode):
                    files[name] = (status.st_size, status.st_mtime_ns)
            # If one pack replaces another in the meantime, a listing may miss both.
            before, names = names, self._names()
            if names == before:
                break
        return files

    def _names(self) -> list[str]:
        return sorted(path.name for path in self.directory.iterdir())

    def _range(self, name: str, begin: int, end: int) -> bytes | OSError:
        try:
            with open_file(self.directory / name) as file:
                return read_at(file, begin, end - begin)
        except OSError as error:
            return error


def bytes_in(store: Location) -> int:
    """Return the bytes of all files of a store, as far as they can be listed."""
    if isinstance(store, RemoteLocation):
        return sum(pack.size for pack in folder_of(store).packs())
    size = 0
    try:
        with os.scandir(store) as entries:
            for entry in entries:
                with suppress(OSError):  # it was deleted in the meantime
                    size += entry.stat(follow_symlinks=False).st_size
    except OSError:
        return size
    return size


def folder_of(store: str | Path | RemoteLocation | Folder, *, rest: float = 0.0) -> Folder:
    """Return the folder at the location of a store.

    Args:
        store: The location, or a folder, which is returned.
        rest: For an object store, see `ObjectStoreFolder`. Defaults to 0.0.

    Raises:
        StoreError: If it is in an object store whose package is not installed.
    """
    if not isinstance(store, (str, Path, RemoteLocation)):
        return store
    location = location_of(store)
    if isinstance(location, Path):
        return LocalFolder(location)
    return ObjectStoreFolder(location, rest)
