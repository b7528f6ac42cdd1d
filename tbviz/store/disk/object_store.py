"""List, read and put objects in any store that fsspec reaches. Errors are OSErrors."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, NamedTuple

from tbviz.store.disk.file_systems import open_uri
from tbviz.store.disk.locations import RemoteLocation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Listing(NamedTuple):
    """The content of a folder, without that of the folders in it.

    Args:
        sizes: Bytes of each file, by its name.
        folders: Names of the folders.
    """

    sizes: dict[str, int]
    folders: list[str]


class ObjectStore:
    """A folder in a store that fsspec reaches. Safe to use from several threads.

    Args:
        location: The folder. It need not exist.

    Raises:
        StoreError: If fsspec, or the package for this kind of store, is not installed.
    """

    def __init__(self, location: RemoteLocation) -> None:
        self.location = location
        self._fs, self._root = open_uri(location.uri)

    def listing(self, folder: str = "") -> Listing:
        """List the folder, or one inside it. The result is not cached.

        Raises:
            FileNotFoundError: If there is no such folder.
            OSError: If it cannot be listed.
        """
        path = self._path(folder)
        sizes, folders = {}, []
        with _as_os_error(path):
            self._fs.invalidate_cache(path)
            entries = self._fs.ls(path, detail=True)
        for entry in entries:
            whole = str(entry.get("name", "")).rstrip("/")
            name = whole.rpartition("/")[2]
            if whole.lstrip("/") == path.strip("/"):
                continue  # the marker object that some tools create for a folder
            if name in {"", ".", ".."}:
                continue  # keys may contain such a name; it must not be entered as a folder
            if entry.get("type") == "directory":
                folders.append(name)
            else:
                with suppress(TypeError, ValueError):  # an invalid entry is skipped
                    sizes[name] = int(entry.get("size") or 0)
        return Listing(sizes, folders)

    def read(self, ranges: Sequence[tuple[str, int, int]]) -> list[bytes | OSError]:
        """Read several ranges at once, one request each; a failed one becomes an error.

        Args:
            ranges: For each, the name, the first byte and the byte after the last one.
        """
        names, starts, ends = zip(*ranges, strict=True)
        paths = [self._path(name) for name in names]
        try:
            got = self._fs.cat_ranges(paths, list(starts), list(ends), on_error="return")
        except Exception as error:
            return [_os_error(path, error) for path in paths]
        return [
            _os_error(path, data) if isinstance(data, Exception) else bytes(data)
            for path, data in zip(paths, got, strict=True)
        ]

    def get(self, name: str, max_bytes: int) -> bytes:
        """Read the first bytes of an object.

        Raises:
            FileNotFoundError: If there is no such object.
            OSError: If it cannot be read.
        """
        path = self._path(name)
        with _as_os_error(path):
            # Passed by name: s3fs has another argument before these.
            return bytes(self._fs.cat_file(path, start=0, end=max_bytes))

    def put(self, name: str, data: bytes) -> None:
        """Create or replace an object.

        Raises:
            OSError: If that failed; the object may exist nevertheless.
        """
        path = self._path(name)
        with _as_os_error(path):
            self._fs.pipe_file(path, data)
            self._fs.invalidate_cache(path)

    def _path(self, name: str) -> str:
        return f"{self._root.rstrip('/')}/{name}" if name else self._root


@contextmanager
def _as_os_error(path: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        raise _os_error(path, error) from error


def _os_error(path: str, error: Exception) -> OSError:
    """Return an OSError for an error; file systems raise what the libraries below them raise."""
    if isinstance(error, OSError):
        return error
    return OSError(f"{path}: {type(error).__name__}: {error}")
