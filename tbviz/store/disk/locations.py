"""Parse the location of a log directory: a path on this machine, or a URI that fsspec knows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias, overload

from tbviz.store.disk.file_systems import open_uri
from tbviz.store.errors import StoreError

# What is left of a URI that went through pathlib. A drive has one letter.
_BROKEN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\][^/\\]")


@dataclass(frozen=True)
class RemoteLocation:
    """A folder in an object store, such as `s3://bucket/logs`. Joined with `/` as paths are.

    Args:
        uri: Without a slash at its end, unless that is the root of the store.
    """

    uri: str

    def __truediv__(self, name: str) -> RemoteLocation:
        return RemoteLocation(self.uri + name if self.uri.endswith("/") else f"{self.uri}/{name}")

    def __str__(self) -> str:
        return self.uri

    def absolute(self) -> RemoteLocation:
        """Return itself: a URI does not depend on the current directory."""
        return self


Location: TypeAlias = Path | RemoteLocation


def is_remote(text: str) -> bool:
    """Return whether a text is a location that only fsspec can reach."""
    return "://" in text and not text.startswith("file://")


def location_of(log_dir: str | os.PathLike[str] | RemoteLocation) -> Location:
    """Return the location of a user's `log_dir`; `~` is the home directory.

    Raises:
        StoreError: If it is not a path, or is a URI from which `pathlib` has removed a slash.
    """
    if isinstance(log_dir, RemoteLocation):
        return log_dir
    if not isinstance(log_dir, (str, os.PathLike)):
        raise StoreError(
            f"log_dir received a value of type {type(log_dir).__name__}; expected a path, or a URI "
            "such as 's3://bucket/logs'"
        )
    text = str(log_dir) if isinstance(log_dir, os.PathLike) else log_dir
    if isinstance(log_dir, PurePath) and _BROKEN.match(text):
        raise StoreError(
            f"received {log_dir!r}; expected a path, or a URI as a string, because pathlib "
            "removes a slash; pass a string such as 's3://bucket/logs'"
        )
    if not is_remote(text):
        local = Path(text.removeprefix("file://"))
        try:
            return local.expanduser()
        except RuntimeError:  # no user has this name, so it is a directory
            return local
    protocol, _, path = text.partition("://")
    return RemoteLocation(f"{protocol}://{path.rstrip('/')}")


def usable_location(log_dir: str | os.PathLike[str] | RemoteLocation) -> Location:
    """Return the same as `location_of`, if the package that the location needs is installed.

    Raises:
        StoreError: If it is not; the text names the command that installs it.
    """
    location = location_of(log_dir)
    if isinstance(location, RemoteLocation):
        open_uri(location.uri)
    return location


@overload
def store_directory(log_dir: Path) -> Path: ...
@overload
def store_directory(log_dir: str | os.PathLike[str] | RemoteLocation) -> Location: ...
def store_directory(log_dir: str | os.PathLike[str] | RemoteLocation) -> Location:
    """Return the location of the store of a log directory: `<log_dir>/plugins/tbviz`."""
    return location_of(log_dir) / "plugins" / "tbviz"
