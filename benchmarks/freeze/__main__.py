"""Command line of the freeze: `python -m benchmarks.freeze --help`, in the root of a tree."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from benchmarks.freeze.parts import PARTS, run
from benchmarks.freeze.record import TREE, record


def main() -> int:
    """Run one command; 1 where two recordings differ."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freeze", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("record", help="write down what this tree computes")
    one.add_argument("out", type=Path)
    one.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    one.add_argument("--jobs", type=int, default=2, help="parts at once (default: %(default)s)")
    one = commands.add_parser("part", help="one part, in this process; `record` calls it")
    one.add_argument("part", choices=PARTS)
    one.add_argument("out", type=Path)
    one = commands.add_parser("compare", help="compare two recordings through renames.py")
    one.add_argument("old", type=Path)
    one.add_argument("new", type=Path)
    one.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    one.add_argument("--show", type=int, default=60, help="differences (default: %(default)s)")
    one = commands.add_parser("against", help="record a commit and this tree, and compare")
    one.add_argument("base", help="a commit that has benchmarks/freeze")
    one.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    one.add_argument("--show", type=int, default=60, help="differences (default: %(default)s)")
    options = parser.parse_args()
    if options.command == "record":
        record(options.out, options.only, options.jobs)
        return 0
    if options.command == "part":
        out = options.out.resolve()
        found = run(options.part, TREE, out.parent)
        out.write_text(json.dumps(found, allow_nan=False))
        return 0
    from benchmarks.freeze import against, report

    if options.command == "against":
        old, new = against.recordings(options.base, options.only)
    else:
        old, new = (json.loads(path.read_text()) for path in (options.old, options.new))
        for side in (old, new):
            side["parts"] = {k: v for k, v in side["parts"].items() if k in options.only}
    return report.report(old, new, options.show)


if __name__ == "__main__":
    raise SystemExit(main())
