"""Free space by deleting the pictures of some snapshots; all numbers are kept."""

from __future__ import annotations

import argparse
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tbviz.cli.arguments import positive
from tbviz.cli.console import say
from tbviz.cli.formatting import counted, size
from tbviz.cli.repair import add_careful, clear_leftovers
from tbviz.cli.runs import OneByOne, add_log_dir, local_runs_under, title
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from pathlib import Path

    from tbviz.store.maintain.prune import Pruned


def add_parser(commands: Any) -> None:
    """Add `prune` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "prune",
        help="free space: delete the pictures of some snapshots, keep all numbers",
        description=__doc__,
        epilog="The first and the last picture of each series in each segment are always kept, and "
        "so are all curves, health numbers, predictions, costs and notices. Packs that are being "
        "written are skipped, and so are parts that were copied from an object store. Each pack is "
        "rewritten next to the old one, so there must be room for the new one.",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--keep",
        required=True,
        type=_keep,
        metavar="every=10,last=50",
        help="pictures to keep: those of epochs 0, 10, 20 ... (if a series has none there, its "
        "first picture in each ten epochs), and those at the last 50 positions of the run; one or "
        "both",
    )
    parser.add_argument(
        "--kinds",
        metavar="maximization,cam*",
        help="delete only pictures of these kinds, as `tbviz inspect` names them (default: all)",
    )
    add_careful(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prune every run, and report the freed space."""
    from tbviz.store.maintain.prune import KeepRule, prune

    runs = local_runs_under(options.log_dir, "prune")
    kinds = ("*",) if options.kinds is None else _kinds(options.kinds, [store for _, store in runs])
    rule = KeepRule(options.keep.get("every"), options.keep.get("last", 0), kinds)
    each = OneByOne("prune")
    freed = left = 0
    for name, store in runs:
        about = title(options.log_dir, name)
        with each.run(about):
            freed += sum(
                clear_leftovers(about, store, dry_run=options.dry_run, force=options.force)
            )
            for pruned in prune(store, rule, dry_run=options.dry_run, force=options.force):
                freed += pruned.freed
                left += bool(pruned.left)
                say(f"{about}: {_report(pruned, dry_run=options.dry_run)}")
    skipped = f"; {counted(left, 'pack')} skipped" if left else ""
    say(f"{'would free' if options.dry_run else 'freed'} {size(freed)}{skipped}")
    return 1 if each.failed else 0


def _kinds(text: str, stores: list[Path]) -> tuple[str, ...]:
    """Return the patterns of --kinds; each must match a kind of a run."""
    from tbviz.store.format.foreign_format import clause
    from tbviz.store.maintain.prune import prunable_kinds

    patterns = tuple(part.strip() for part in text.split(",") if part.strip())
    found = [prunable_kinds(store) for store in stores]
    there = sorted(set().union(*(kinds for kinds, _ in found)))
    refused = [sentence for _, sentences in found for sentence in sentences]
    idle = [pattern for pattern in patterns if not any(fnmatchcase(k, pattern) for k in there)]
    if idle or not patterns:
        wrong = f"{', '.join(idle)} matches no kind" if patterns else "no kind is named"
        raise TbvizError(
            f"received --kinds {text!r}, but {wrong}; expected some of: "
            f"{', '.join(there) or 'none, as no picture is logged'}; 'cam*' matches all kinds that "
            "begin with cam"
            f"{clause(refused)}"
        )
    return patterns


def _report(pruned: Pruned, *, dry_run: bool) -> str:
    if pruned.left:
        return f"{pruned.pack}: {pruned.left}"
    if not pruned.dropped:
        return f"{pruned.pack}: all {pruned.pictures} pictures are kept"
    text = f"{pruned.pack}: {'would delete' if dry_run else 'deleted'} {pruned.dropped} of "
    text += f"{pruned.pictures} pictures, {size(pruned.freed)}"
    if pruned.rewritten is not None:
        text += f"; {pruned.rewritten.name} replaces it"
        lost = pruned.rewritten.lost_sheets
        text += f" ({counted(lost, 'picture')} had been lost before)" if lost else ""
    return text


def _keep(text: str) -> dict[str, int]:
    rule = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name not in {"every", "last"} or name in rule:
            raise argparse.ArgumentTypeError(_unusable(text))
        try:
            rule[name] = positive(number)
        except argparse.ArgumentTypeError:
            raise argparse.ArgumentTypeError(_unusable(text)) from None
    return rule


def _unusable(text: str) -> str:
    return (
        f"received {repr(text) if text else 'an empty text'}; expected every=N, last=N, or both "
        "separated by a comma, with N at least 1, such as every=10,last=50"
    )
