"""Find the runs that LOG_DIR on the command line means, and treat them one by one."""

from __future__ import annotations

import argparse
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tbviz.errors import TbvizError
from tbviz.results.runs_under import runs_under

if TYPE_CHECKING:
    from collections.abc import Iterator


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
