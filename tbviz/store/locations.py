"""Where a log directory is: a path on this machine, or a URI that fsspec knows."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import TypeAlias, overload

from tbviz.store.errors import StoreError
from tbviz.store.file_systems import open_uri

# What is left of a URI that went through pathlib. A drive has one letter.
_BROKEN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:[/\\][^/\\]")


@dataclass(frozen=True)
class RemotePlace:
    """A folder in an object store, such as `s3://bucket/logs`. Joined with `/` as paths are.

    Args:
        uri: Without a slash at its end, unless that is the root of the store.
    """

    uri: str

    def __truediv__(self, name: str) -> RemotePlace:
        return RemotePlace(self.uri + name if self.uri.endswith("/") else f"{self.uri}/{name}")

    def __str__(self) -> str:
        return self.uri

    def absolute(self) -> RemotePlace:
        """Itself: a URI depends on no current directory."""
        return self


Place: TypeAlias = Path | RemotePlace


def is_remote(text: str) -> bool:
    """Whether a text names a place that only fsspec can reach."""
    return "://" in text and not text.startswith("file://")


def place_of(log_dir: str | os.PathLike[str] | RemotePlace) -> Place:
    """The place that a user's `log_dir` means; `~` is his home.

    Raises:
        StoreError: If it is a URI that `pathlib` has taken a slash out of.
    """
    if isinstance(log_dir, RemotePlace):
        return log_dir
    text = str(log_dir) if isinstance(log_dir, os.PathLike) else log_dir
    if isinstance(log_dir, PurePath) and _BROKEN.match(text):
        raise StoreError(
            f"received {log_dir!r}; expected a path, or a URI as a text: pathlib makes one slash "
            "of two; pass the text, such as 's3://bucket/logs'"
        )
    if not is_remote(text):
        local = Path(text.removeprefix("file://"))
        try:
            return local.expanduser()
        except RuntimeError:  # nobody has this name: it is a directory's
            return local
    protocol, _, path = text.partition("://")
    return RemotePlace(f"{protocol}://{path.rstrip('/')}")


def usable_place(log_dir: str | os.PathLike[str] | RemotePlace) -> Place:
    """As `place_of`, once it is sure that what the place needs is installed.

    Raises:
        StoreError: If it is not, with what to install.
    """
    place = place_of(log_dir)
    if isinstance(place, RemotePlace):
        open_uri(place.uri)
    return place


@overload
def store_directory(log_dir: Path) -> Path: ...
@overload
def store_directory(log_dir: str | os.PathLike[str] | RemotePlace) -> Place: ...
def store_directory(log_dir: str | os.PathLike[str] | RemotePlace) -> Place:
    """Where the store of a log directory lies: `<log_dir>/plugins/tbviz`."""
    return place_of(log_dir) / "plugins" / "tbviz"
