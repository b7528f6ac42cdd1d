"""`tbviz prune`: frees space by dropping pictures of steps in between; all numbers stay."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

from tbviz.cli.arguments import positive
from tbviz.cli.layout import size
from tbviz.cli.repair import add_careful, clear_leftovers
from tbviz.cli.runs import add_log_dir, local_runs_under, title
from tbviz.cli.say import say

if TYPE_CHECKING:
    from tbviz.store.pruning import Pruned


def add_parser(commands: Any) -> None:
    """Add `prune` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "prune",
        help="free space: keep some steps' pictures, and all numbers",
        description=__doc__,
        epilog="Of each series the first and the last picture of a segment always stay, and so do "
        "all curves, health, predictions, costs and notices. A pack that is being written is left "
        "alone. Each pack is written anew beside the old one, so that as much space is needed for "
        "a while as the new one takes.",
    )
    add_log_dir(parser)
    parser.add_argument(
        "--keep",
        required=True,
        type=_keep,
        metavar="every=10,last=50",
        help="pictures that stay: those of epochs 0, 10, 20 ... (where a series has none there, "
        "its first of each ten epochs), and those at the run's last 50 positions; one or both",
    )
    parser.add_argument(
        "--kinds",
        default="*",
        metavar="maximization,cam*",
        help="only thin pictures of these kinds, as `tbviz inspect` names them (default: all)",
    )
    add_careful(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prune every run, and say what that frees."""
    from tbviz.store.pruning import Rule, prune

    kinds = tuple(kind.strip() for kind in options.kinds.split(",") if kind.strip())
    rule = Rule(options.keep.get("every"), options.keep.get("last", 0), kinds)
    freed = 0
    for name, store in local_runs_under(options.log_dir, "prune"):
        about = title(options.log_dir, name)
        clear_leftovers(about, store, dry_run=options.dry_run, force=options.force)
        for pruned in prune(store, rule, dry_run=options.dry_run, force=options.force):
            freed += pruned.freed
            say(f"{about}: {_said(pruned, dry_run=options.dry_run)}")
    say(f"{'would free' if options.dry_run else 'freed'} {size(freed)}")
    return 0


def _said(pruned: Pruned, *, dry_run: bool) -> str:
    if pruned.left:
        return pruned.left if pruned.pack in pruned.left else f"{pruned.pack}: {pruned.left}"
    if not pruned.dropped:
        return f"{pruned.pack}: all {pruned.pictures} pictures stay"
    text = f"{pruned.pack}: {'would drop' if dry_run else 'dropped'} {pruned.dropped} of "
    text += f"{pruned.pictures} pictures, {size(pruned.freed)}"
    if pruned.rewritten is not None:
        text += f"; {pruned.rewritten.name} stands in its place"
        damaged = len(pruned.rewritten.damaged_sheets)
        text += f" ({damaged} damaged sheets stay damaged)" if damaged else ""
    return text


def _keep(text: str) -> dict[str, int]:
    kept = {}
    for part in text.split(","):
        name, _, number = part.strip().partition("=")
        if name not in {"every", "last"} or name in kept:
            raise argparse.ArgumentTypeError(
                f"received {text}, expected every=N, last=N, or both with a comma between"
            )
        kept[name] = positive(number)
    return kept
