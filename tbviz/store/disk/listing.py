"""List directories with any content: an unreadable entry never hides the others."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Inner(NamedTuple):
    """An entry of a directory that is a directory.

    Args:
        name: Its name.
        linked: Whether it is a link to a directory.
    """

    name: str
    linked: bool


def is_directory(path: Path | os.DirEntry[str]) -> bool:
    """Return whether this is a directory or a link to one; False if that is unknown."""
    try:
        return path.is_dir()
    except (OSError, ValueError):  # a loop of links, a mount that is away, one we may not enter
        return False


def directories_in(directory: Path) -> list[Inner]:
    """Return the directories in a directory, by name.

    An entry that cannot be read is skipped. If the listing breaks off, the directory was deleted
    or its disk was removed; the entries listed until then count.

    Raises:
        OSError: If it cannot be listed at all.
    """
    with os.scandir(directory) as entries:
        return sorted(_directories(entries))


def printable(name: str) -> str:
    r"""Return a file's name as a text that every program accepts.

    Names of files are bytes. Python decodes bytes that are not UTF-8 to lone surrogates, which
    neither a terminal nor a browser accepts: `b"run\xff"` becomes `run\udcff`, in eight characters.
    """
    return name.encode("utf-8", "backslashreplace").decode("utf-8")


def _directories(entries: Iterable[os.DirEntry[str]]) -> Iterator[Inner]:
    with suppress(OSError):  # of the listing itself, which ends there
        for entry in entries:
            if is_directory(entry):
                yield Inner(entry.name, _is_link(entry))


def _is_link(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_symlink()
    except OSError:
        return False
