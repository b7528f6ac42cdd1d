"""Repair incomplete or damaged packs, and keep every record that can be read."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tbviz.cli.console import say
from tbviz.cli.formatting import counted, shortened, size
from tbviz.cli.runs import OneByOne, add_log_dir, local_runs_under, title

if TYPE_CHECKING:
    from pathlib import Path

    from tbviz.store.maintain.repair import Treated

_MAX_LOST = 10


def add_parser(commands: Any) -> None:
    """Add `repair` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "repair",
        help="repair incomplete or damaged packs, keep what can be read",
        description=__doc__,
        epilog="Packs that are being written are skipped, and so are parts that were copied from "
        "an object store. Each pack is rewritten next to the old one and read back; only then the "
        "old one is deleted. Pictures with a wrong checksum are lost and cannot be repaired; "
        "`tbviz inspect --verify` lists them.",
    )
    add_log_dir(parser)
    add_careful(parser)
    parser.set_defaults(run=run)


def add_careful(parser: argparse.ArgumentParser) -> None:
    """Add the options of commands that rewrite packs."""
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done")
    parser.add_argument(
        "--force",
        action="store_true",
        help="continue even if the file system has no locks and the run seems to be live",
    )


def run(options: argparse.Namespace) -> int:
    """Repair every run, and report what was done."""
    from tbviz.store.maintain.repair import repair

    each = OneByOne("repair")
    done = left = 0
    for name, store in local_runs_under(options.log_dir, "repair"):
        about = title(options.log_dir, name)
        with each.run(about):
            done += len(clear_leftovers(about, store, dry_run=options.dry_run, force=options.force))
            for treated in repair(store, dry_run=options.dry_run, force=options.force):
                done += treated.action in {"rewrite", "index"}
                left += treated.action == "left"
                for line in _report(treated, dry_run=options.dry_run):
                    say(f"{about}: {line}")
    if left:
        say(f"{counted(left, 'pack')} skipped")
    elif not done and not each.failed:
        say("nothing to repair; `tbviz inspect --verify` reports whether pictures are lost")
    return 1 if each.failed else 0


def clear_leftovers(about: str, store: Path, *, dry_run: bool, force: bool) -> list[int]:
    """Delete what a killed repair or prune left, and report it.

    Returns:
        The bytes of each leftover that was, or would be, deleted.
    """
    from tbviz.store.maintain.leftovers import clear, leftovers

    sizes = []
    for leftover in leftovers(store):
        if dry_run or clear(leftover, force=force):
            sizes.append(leftover.size)
            what = "would delete" if dry_run else "deleted"
            say(f"{about}: {what} {size(leftover.size)} that a killed repair or prune left")
        else:
            say(f"{about}: {leftover.files[0].name} skipped: another process may be working on it")
    return sizes


def _report(treated: Treated, *, dry_run: bool) -> list[str]:
    would = "would be " if dry_run else ""
    wrong = "; ".join(treated.why)
    if treated.action == "none":
        return []
    if treated.action == "left":
        return [f"{treated.pack}: {wrong}"]
    if treated.action == "index":
        return [f"{treated.pack}: {wrong}; its index {would or 'was '}rewritten"]
    lines = [f"{treated.pack}: {wrong}; it {would or 'was '}rewritten"]
    new = treated.rewritten
    if new is not None:
        lines.append(f"{new.name} replaces it: {counted(new.records, 'record')}, {size(new.after)}")
        lines += shortened([f"lost: {lost}" for lost in new.lost], _MAX_LOST)
    return lines
