"""Show what is logged in a directory, its size, and whether it is intact."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tbviz.cli.inspect_text import one_run, several_runs
from tbviz.cli.runs import OneByOne, add_log_dir, title
from tbviz.results.runs_under import runs_under

DAMAGED = 4  # as fsck(8): errors that were left uncorrected


def add_parser(commands: Any) -> None:
    """Add `inspect` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "inspect",
        help="show what is logged, its size, and whether it is intact",
        description=__doc__,
        epilog="Exit status: 0 if all runs are intact; 1 if no run is found or a run cannot be "
        "read; 4 if something is damaged or has another format, or if --verify finds lost "
        "pictures, which cannot be repaired.",
    )
    add_log_dir(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object, for programs")
    parser.add_argument(
        "--verify", action="store_true", help="read every byte and compare every checksum"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print a summary of every run."""
    from tbviz.store.format.schema import plain
    from tbviz.store.maintain.summary import inspect
    from tbviz.store.read.reader import Reader
    from tbviz.version import __version__

    each = OneByOne("inspect")
    runs = []
    for name, store in runs_under(options.log_dir):
        with each.run(title(options.log_dir, name)):
            found = inspect(Reader(store), verify=options.verify)
            runs.append({"run": name, "store": str(store), **found})
    if options.json:
        answer = {"tbviz": __version__, "log_dir": options.log_dir, "verified": options.verify}
        print(json.dumps(plain({**answer, "runs": runs}), allow_nan=False))
    elif len(runs) == 1:
        print(*one_run(title(options.log_dir, runs[0]["run"]), runs[0], options.verify), sep="\n")
    elif runs:
        print(*several_runs(options.log_dir, runs, options.verify), sep="\n")
    if any(found["damage"] for found in runs):
        return DAMAGED
    return 1 if each.failed else 0
