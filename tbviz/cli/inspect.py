"""`tbviz inspect`: shows what a log directory holds, its size, and whether it is whole."""

from __future__ import annotations

import argparse
import json
from typing import Any

from tbviz.cli.inspect_text import one_run, several_runs
from tbviz.cli.runs import OneByOne, add_log_dir, title
from tbviz.run.runs_under import runs_under

DAMAGED = 4  # as fsck(8): errors that were left uncorrected


def add_parser(commands: Any) -> None:
    """Add `inspect` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "inspect",
        help="show what is logged, its size, and whether it is whole",
        description=__doc__,
        epilog="Exit status: 0; 1 if there is no run or it cannot be read; 4 if something is "
        "damaged or is of another format, also if --verify finds lost pictures, which no repair "
        "brings back.",
    )
    add_log_dir(parser)
    parser.add_argument("--json", action="store_true", help="one JSON object, for programs")
    parser.add_argument(
        "--verify", action="store_true", help="read every byte and compare every checksum"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what there is."""
    from tbviz.store.reader import Reader
    from tbviz.store.schema import plain
    from tbviz.store.summary import inspect
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
