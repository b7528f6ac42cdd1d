"""Find runs in an object store with few requests: listing a folder costs one."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor

from tbviz.store.disk.locations import RemoteLocation
from tbviz.store.disk.object_store import ObjectStore

_log = logging.getLogger("tbviz.results")

# Each listing waits for the network, not for the processor.
_AT_ONCE = 8
# A bucket that has other content, too, is not listed completely.
_MAX_FOLDERS = 20_000


class RemoteWalk:
    """The repeated search for runs in a folder of an object store.

    Args:
        location: The folder.
        limit: How many folders to list at most. Defaults to 20,000.

    Raises:
        StoreError: If the package that the store needs is not installed.
    """

    def __init__(self, location: RemoteLocation, limit: int | None = None) -> None:
        self._location = location
        self._limit = _MAX_FOLDERS if limit is None else limit
        self._store = ObjectStore(location)
        self._known: set[str] = set()

    def runs(self) -> list[str]:
        """Return the paths of the runs, relative to the folder.

        Folders of plugins are not entered. Runs below a folder that cannot be listed now are
        those of the last walk.

        Raises:
            OSError: If the folder itself cannot be listed.
        """
        found: set[str] = set()
        level = ["."]
        left = self._limit
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while level:
                if len(level) > left:
                    _log.warning("%s has over %d folders; the rest is left out",
                                 self._location, self._limit)  # fmt: skip
                    break
                left -= len(level)
                deeper = []
                for parent, names in zip(level, pool.map(self._folders, level), strict=True):
                    if names is None:
                        found |= {run for run in self._known if _is_below(run, parent)}
                        continue
                    deeper += [_join(parent, name) for name in names if name != "plugins"]
                    if "plugins" in names:
                        found.add(parent)
                level = deeper
            new = sorted(found - self._known)
            for run, names in zip(new, pool.map(self._plugins, new), strict=True):
                if "tbviz" not in (names or ()):
                    found.discard(run)
        self._known = found
        return sorted(found)

    def _folders(self, relative: str) -> list[str] | None:
        """Return the folders in a folder, None if it cannot be listed now."""
        try:
            return self._store.listing("" if relative == "." else relative).folders
        except FileNotFoundError:
            return []
        except OSError:
            if relative == ".":
                raise
            return None

    def _plugins(self, relative: str) -> list[str] | None:
        return self._folders(_join(relative, "plugins"))


def _join(relative: str, name: str) -> str:
    return name if relative == "." else f"{relative}/{name}"


def _is_below(run: str, parent: str) -> bool:
    return run == parent or run.startswith(f"{parent}/")
