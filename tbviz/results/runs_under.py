"""(a log directory) => the runs at it and below it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from tbviz.store.disk.locations import Location, RemoteLocation


class FoundRun(NamedTuple):
    """A run.

    Args:
        name: Its path from the log directory, "." for the log directory itself.
        store: The location of its store.
    """

    name: str
    store: Location


def runs_under(
    log_dir: str | os.PathLike[str] | RemoteLocation, limit: int | None = None
) -> list[FoundRun]:
    """Return every run at or below a log directory.

    Args:
        log_dir: A log directory, or a store (`plugins/tbviz`) itself.
        limit: How many directories to search at most. Defaults to as many as the plugin searches.

    Raises:
        TbvizError: If there is none, or the location cannot be listed.
    """
    from tbviz.results.remote_walk import RemoteWalk
    from tbviz.results.walk import walk
    from tbviz.store.disk.locations import location_of, store_directory

    state = "which has no run"
    location = location_of(log_dir)
    if is_store(location):
        return [FoundRun(".", location)]
    if isinstance(location, Path):
        runs = [FoundRun(name, store) for name, store in walk(location, limit)]
        state = _state(location)
    else:
        try:
            names = RemoteWalk(location, limit).runs()
        except OSError as error:
            raise TbvizError(f"{log_dir} could not be listed: {error}") from error
        runs = [
            FoundRun(name, store_directory(location if name == "." else location / name))
            for name in names
        ]
    if not runs:
        raise TbvizError(
            f"received {log_dir}, {state}; expected the log_dir that the callbacks got, or a "
            "directory above it; a run exists as soon as its first epoch has begun"
        )
    return runs


def is_store(location: Location) -> bool:
    """Return whether a location is a store itself, and not a log directory."""
    from tbviz.store.disk.listing import is_directory
    from tbviz.store.read.folder import LocalFolder

    if not isinstance(location, Path):
        return str(location).endswith("/plugins/tbviz")
    named = (location.name, location.parent.name) == ("tbviz", "plugins")
    return is_directory(location) and (named or bool(LocalFolder(location).packs()))


def _state(location: Path) -> str:
    """Return why a location holds no runs, in words."""
    try:
        with os.scandir(location):
            return "which has no run"
    except FileNotFoundError:
        return "which does not exist"
    except NotADirectoryError:
        return "which is a file" if os.access(location, os.F_OK) else "which does not exist"
    except OSError as error:
        return f"which cannot be listed ({error.strerror or error})"
