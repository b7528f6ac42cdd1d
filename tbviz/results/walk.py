"""Find the runs under a directory, whatever else lies there."""

from __future__ import annotations

import logging
from pathlib import Path

from tbviz.store.disk.listing import directories_in, is_directory, printable

_log = logging.getLogger("tbviz.results")

# Against links that lead to each other in a thousand ways.
_MAX_DIRECTORIES = 200_000


def walk(root: Path, limit: int | None = None) -> list[tuple[str, Path]]:
    """Find the runs under a directory.

    Links are followed as TensorBoard follows them, but not back into the directories above them.
    Folders of plugins are not entered. What cannot be read is left out, and nothing else with it.

    Args:
        root: The directory.
        limit: How many directories to enter at most. Defaults to 200,000.

    Returns:
        The path of each run relative to the directory, and its store.
    """
    limit = _MAX_DIRECTORIES if limit is None else limit
    runs: list[tuple[str, Path]] = []
    # Directory, its path from the root, and the identities of those above it.
    waiting: list[tuple[Path, str, frozenset[tuple[int, int]]]] = [(root, ".", frozenset())]
    # What links lead to comes last: links to each other use up no room of what lies here itself.
    linked: list[tuple[Path, str, frozenset[tuple[int, int]]]] = []
    walked = 0
    while waiting or linked:
        if not waiting:
            waiting, linked = linked[::-1], []
        directory, relative, above = waiting.pop()
        walked += 1
        if walked > limit:
            _log.warning("%s has over %d directories; the rest is left out", root, walked - 1)
            break
        try:
            status = directory.stat()
            identity = (status.st_dev, status.st_ino)
            if identity in above:
                continue
            found = directories_in(directory)
        except OSError:
            continue
        for name, is_link in reversed(found):
            path = directory / name
            if name != "plugins":
                shown = printable(name)
                inner = shown if relative == "." else f"{relative}/{shown}"
                (linked if is_link else waiting).append((path, inner, above | {identity}))
            elif is_directory(path / "tbviz"):
                runs.append((relative, path / "tbviz"))
    return sorted(runs)
