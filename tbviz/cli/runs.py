"""Find the runs that LOG_DIR on the command line means, and treat them one by one."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tbviz.store.disk.locations import Location


class FoundRun(NamedTuple):
    """A run.

    Args:
        name: Its path from LOG_DIR, "." for LOG_DIR itself.
        store: Where its store is.
    """

    name: str
    store: Location


class OneByOne:
    """Runs that are treated one by one: a failure is reported, and the others are treated.

    Args:
        command: The name of the command.

    Attributes:
        failed: How many runs failed.
    """

    def __init__(self, command: str) -> None:
        self.command = command
        self.failed = 0

    @contextmanager
    def run(self, about: str) -> Iterator[None]:
        """Treat one run.

        Args:
            about: Its name.
        """
        try:
            yield
        except BrokenPipeError:
            raise  # nobody reads the output about the others
        except (TbvizError, OSError) as error:
            self.failed += 1
            print(f"tbviz {self.command}: {about}: {error}", file=sys.stderr)


def add_log_dir(parser: argparse.ArgumentParser) -> None:
    """Add the argument to a subcommand."""
    parser.add_argument(
        "log_dir",
        metavar="LOG_DIR",
        help="a run's log directory, a directory with runs below it, or a store (plugins/tbviz)",
    )


def runs_under(log_dir: str) -> list[FoundRun]:
    """Return every run at or below a log directory.

    Raises:
        TbvizError: If there is none.
    """
    from tbviz.plugin.discovery import walk
    from tbviz.plugin.remote_walk import RemoteWalk
    from tbviz.store.disk.locations import location_of, store_directory

    state = "which has no run"
    location = location_of(log_dir)
    if _is_store(location):
        return [FoundRun(".", location)]
    if isinstance(location, Path):
        runs = [FoundRun(name, store) for name, store in walk(location)]
        state = _state(location)
    else:
        try:
            names = RemoteWalk(location).runs()
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


def local_runs_under(log_dir: str, command: str) -> list[tuple[str, Path]]:
    """Return name and store of every run at or below a log directory of this machine.

    Raises:
        TbvizError: If there is none, or it is in an object store.
    """
    from tbviz.store.disk.locations import is_remote

    if is_remote(log_dir):
        raise TbvizError(
            f"received {log_dir}; expected a directory of this machine, as `tbviz {command}` works "
            "on files; copy the log directory here and back, or mount it"
        )
    return [(name, store) for name, store in runs_under(log_dir) if isinstance(store, Path)]


def title(log_dir: str, name: str) -> str:
    """Return the name of a run for a person."""
    return log_dir if name == "." else f"{log_dir.rstrip('/')}/{name}"


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


def _is_store(location: Location) -> bool:
    from tbviz.store.disk.listing import is_directory
    from tbviz.store.read.folder import LocalFolder

    if not isinstance(location, Path):
        return str(location).endswith("/plugins/tbviz")
    named = (location.name, location.parent.name) == ("tbviz", "plugins")
    return is_directory(location) and (named or bool(LocalFolder(location).packs()))
