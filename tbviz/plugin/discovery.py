"""Which runs there are: a thread walks the log directory, everybody else reads its last result."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_log = logging.getLogger("tbviz.plugin")

# Make sure that a walk of a slow disk takes at most a tenth of the time.
_REST = 10.0
_SHORTEST_REST = 1.0
# Against links that lead to each other in a thousand ways.
_MOST_DIRECTORIES = 200_000
_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z.]*://.*")


class Root(NamedTuple):
    """A directory to walk, and the name its runs begin with ('' for none)."""

    path: Path
    name: str


def roots(logdir: str, logdir_spec: str) -> list[Root]:
    """The directories that TensorBoard's flags name.

    Args:
        logdir: `--logdir`, '' where it was not given.
        logdir_spec: `--logdir_spec`: comma-separated `name:path` or `path`, read as TensorBoard
            reads it (`_parse_event_files_spec` in data_ingester.py).
    """
    if logdir:
        return [Root(Path(logdir).expanduser(), "")]
    found = []
    for specification in filter(None, logdir_spec.split(",")):
        name, path = "", specification
        if (
            _URI.match(specification) is None
            and ":" in specification
            and not specification.startswith("/")
            and not os.path.splitdrive(specification)[0]
        ):
            name, _, path = specification.partition(":")
        found.append(Root(Path(os.path.realpath(Path(path).expanduser())), name))
    return found


class Discovery:
    """Finds the directories that have `plugins/tbviz/` in them, again and again.

    Args:
        where: The directories to walk.

    Attributes:
        found: Run name to store directory, as of the last walk; replaced, never changed.
    """

    def __init__(self, where: Sequence[Root]) -> None:
        self.found: Mapping[str, Path] = {}
        self._where = tuple(where)
        self._stopped = threading.Event()
        self._walked = threading.Event()
        self._then: Callable[[], object] | None = None

    def start(self, patience: float, then: Callable[[], object]) -> None:
        """Walk on a daemon thread from now on.

        Args:
            patience: Seconds to wait at most for the first walk.
            then: Called once on the thread, after the first walk.
        """
        self._then = then
        work = (weakref.ref(self), self._stopped)
        threading.Thread(target=_keep_walking, args=work, name="tbviz-runs", daemon=True).start()
        self._walked.wait(patience)

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def go_on(self) -> None:
        """Do what `start` was given, once."""
        then, self._then = self._then, None
        if then is not None:
            then()

    def walk(self) -> float:
        """Walk once, now.

        Returns:
            Seconds to rest before the next walk.
        """
        begin = time.monotonic()
        found: dict[str, Path] = {}
        for root in self._where:
            for relative, store in walk(root.path):
                found.setdefault(run_name(root.name, relative), store)
        self.found = found
        self._walked.set()
        return max(_SHORTEST_REST, _REST * (time.monotonic() - begin))


def run_name(group: str, relative: str) -> str:
    """The run's name as TensorBoard makes it.

    Args:
        group: The name given in `--logdir_spec`, '' for none.
        relative: The directory from its root, '.' for the root itself.
    """
    return f"{group}/{relative}" if group else relative


def walk(root: Path) -> list[tuple[str, Path]]:
    """The runs under a directory: the path of each relative to it, and its store.

    Links are followed as TensorBoard follows them, but not back into where they stand. Folders
    of plugins are not entered.
    """
    runs: list[tuple[str, Path]] = []
    # Directory, its path from the root, and the identities of those above it.
    waiting: list[tuple[Path, str, frozenset[tuple[int, int]]]] = [(root, ".", frozenset())]
    walked = 0
    while waiting:
        directory, relative, above = waiting.pop()
        walked += 1
        if walked > _MOST_DIRECTORIES:
            _log.warning("%s has over %d directories; the rest is left out", root, walked - 1)
            break
        try:
            status = directory.stat()
            with os.scandir(directory) as entries:
                names = sorted(entry.name for entry in entries if entry.is_dir())
        except OSError:
            continue
        identity = (status.st_dev, status.st_ino)
        if identity in above:
            continue
        for name in reversed(names):
            path = directory / name
            if name != "plugins":
                inner = name if relative == "." else f"{relative}/{name}"
                waiting.append((path, inner, above | {identity}))
            elif (path / "tbviz").is_dir():
                runs.append((relative, path / "tbviz"))
    return sorted(runs)


def _keep_walking(discovery: weakref.ref[Discovery], stopped: threading.Event) -> None:
    rest = 0.0
    while not stopped.wait(rest):
        alive = discovery()
        if alive is None:
            return
        try:
            rest = alive.walk()
            alive.go_on()
        except Exception:
            _log.exception("looking for runs failed; it goes on")
            rest = _REST
        del alive
