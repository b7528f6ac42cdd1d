"""Find runs: a thread walks the log directory, and all others read its last result."""

from __future__ import annotations

import logging
import os
import re
import threading
import time
import weakref
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbviz.results.remote_walk import RemoteWalk
from tbviz.results.walk import walk
from tbviz.store.disk.locations import Location, location_of
from tbviz.store.errors import StoreError
from tbviz.store.read.folder import folder_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tbviz.store.read.source import Folder

_log = logging.getLogger("tbviz.plugin")

# Make sure that a walk of a slow disk takes at most a tenth of the time.
_REST = 10.0
_MIN_REST = 1.0
# Listings of an object store are paid for: a walk takes one per folder. If nothing new has been
# found for an hour, there is one every six minutes.
_MIN_REMOTE_REST = 15.0
_MAX_REMOTE_REST = 600.0
_SHARE_OF_SILENCE = 0.1
# Seconds between two listings of a run in an object store.
_REMOTE_LISTING = 2.0
_URI = re.compile(r"[a-zA-Z][0-9a-zA-Z.]*://.*")


class Root(NamedTuple):
    """A directory or a folder to walk, and the name its runs begin with ('' for none)."""

    path: Location
    name: str


def roots(logdir: str, logdir_spec: str) -> list[Root]:
    """Return the directories that TensorBoard's flags name.

    Args:
        logdir: `--logdir`, '' if it was not given.
        logdir_spec: `--logdir_spec`: comma-separated `name:path` or `path`, read as TensorBoard
            reads it (`_parse_event_files_spec` in data_ingester.py).
    """
    if logdir:
        return [Root(location_of(logdir), "")]
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
        location = location_of(path)
        if isinstance(location, Path):
            location = Path(os.path.realpath(location))
        found.append(Root(location, name))
    return found


class Discovery:
    """The repeated search for directories that contain `plugins/tbviz/`.

    Args:
        where: The directories to walk.

    Attributes:
        found: Run name to store, as of the last walk; replaced, never changed.
    """

    def __init__(self, where: Sequence[Root]) -> None:
        self.found: Mapping[str, Folder] = {}
        self._where = tuple(where)
        self._remote: dict[Location, RemoteWalk] = {}
        self._runs: dict[Location, list[tuple[str, Location]]] = {}
        self._reported: set[tuple[Location, type[Exception]]] = set()
        self._changed = time.monotonic()
        self._stopped = threading.Event()
        self._walked = threading.Event()

    def start(self, timeout: float) -> None:
        """Walk on a daemon thread from now on.

        Args:
            timeout: Seconds to wait at most for the first walk.
        """
        work = (weakref.ref(self), self._stopped)
        threading.Thread(target=_keep_walking, args=work, name="tbviz-runs", daemon=True).start()
        self._walked.wait(timeout)

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()

    def walk(self) -> float:
        """Walk once, now.

        Returns:
            Seconds to rest before the next walk.
        """
        begin = time.monotonic()
        found: dict[str, Folder] = {}
        for root in self._where:
            for relative, store in self._walk(root.path):
                folder = folder_of(store, rest=_REMOTE_LISTING)
                found.setdefault(run_name(root.name, relative), folder)
        now = time.monotonic()
        if found.keys() != self.found.keys():
            self._changed = now
        self.found = found
        self._walked.set()
        shortest = _MIN_REST
        if not all(isinstance(root.path, Path) for root in self._where):
            silence = min(_SHARE_OF_SILENCE * (now - self._changed), _MAX_REMOTE_REST)
            shortest = max(_MIN_REMOTE_REST, silence)
        return max(shortest, _REST * (now - begin))

    def _walk(self, location: Location) -> Sequence[tuple[str, Location]]:
        if isinstance(location, Path):
            return walk(location)
        try:
            if location not in self._remote:
                self._remote[location] = RemoteWalk(location)
            names = self._remote[location].runs()
        except (StoreError, OSError) as error:
            # Reported once per location and type of error, since the walk is repeated.
            report = (location, type(error))
            if report not in self._reported:
                self._reported.add(report)
                _log.warning("looking for runs in %s failed: %s", location, error)
            return self._runs.get(location, ())
        runs = [(name, location / name if name != "." else location) for name in names]
        self._runs[location] = [(name, run / "plugins" / "tbviz") for name, run in runs]
        return self._runs[location]


def run_name(group: str, relative: str) -> str:
    """Return the run's name as TensorBoard forms it.

    Args:
        group: The name given in `--logdir_spec`, '' for none.
        relative: The directory from its root, '.' for the root itself.
    """
    return f"{group}/{relative}" if group else relative


def _keep_walking(discovery: weakref.ref[Discovery], stopped: threading.Event) -> None:
    rest = 0.0
    while not stopped.wait(rest):
        alive = discovery()
        if alive is None:
            return
        try:
            rest = alive.walk()
        except Exception:
            _log.exception("looking for runs failed; the search continues")
            rest = _REST
        del alive
