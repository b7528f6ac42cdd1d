"""`tbviz control`: pauses, resumes or paces the looks of a training from outside."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from tbviz.cli.arguments import positive
from tbviz.cli.layout import counted
from tbviz.cli.runs import add_log_dir, runs_under, title
from tbviz.cli.say import say
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from tbviz.store.control import Orders
    from tbviz.store.places import Place

_SAID = {
    "pause": "nothing is looked at until `tbviz control {log_dir} resume`; training goes on",
    "resume": "looks are taken as the callbacks' schedules say",
    "now": "one look is taken at once",
    "every": "looks are taken at the ends of epochs 0, {epochs}, {twice} ..., whatever the "
    "callbacks' schedules say, until `tbviz control {log_dir} resume`",
}


def add_parser(commands: Any) -> None:
    """Add `control` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "control",
        help="pause, resume or pace a training's looks, or ask for one now",
        description=__doc__,
        epilog="The order is a small file in the run's store, so this works from any machine that "
        "sees the log directory. Training reads it at the ends of batches, at most every two "
        "seconds, and never stops for it.",
    )
    add_log_dir(parser)
    parser.add_argument("order", choices=tuple(_SAID), metavar="{pause,resume,now,every N}")
    parser.add_argument("epochs", nargs="?", type=positive, metavar="N", help=argparse.SUPPRESS)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Leave the order in the runs that train, or in all where none seems to."""
    if (options.order == "every") != (options.epochs is not None):
        raise TbvizError(
            f"received {options.order} {'without' if options.epochs is None else 'with'} a number "
            "of epochs; expected pause, resume, now, or every N"
        )
    from tbviz.store.control import read_orders, write_orders
    from tbviz.store.errors import StoreError

    runs = runs_under(options.log_dir)
    training = [(name, store) for name, store in runs if _trains(store)]
    for name, store in training or runs:
        try:
            before = read_orders(store)
        except StoreError:
            before = None  # what makes no sense is replaced
        orders = _ordered(before, options.order, options.epochs)
        write_orders(store, orders)
        say(f"{title(options.log_dir, name)}: {_effect(options, orders)}")
    when = (
        "at the end of a batch, within two seconds where batches are short"
        if training
        else "by the next training with this log_dir: nothing writes there now"
    )
    say(f"obeyed {when}")
    if len(training) not in {0, len(runs)}:
        others = counted(len(runs) - len(training), "run")
        say(f"left alone: {others} that nothing writes to")
    return 0


def _ordered(before: Orders | None, order: str, epochs: int | None) -> Orders:
    from tbviz.store.control import Orders

    held = before or Orders()
    if order == "pause":
        return held._replace(paused=True)
    if order == "resume":
        return held._replace(paused=False, every=None)
    if order == "every":
        return held._replace(every=epochs)
    return held._replace(now=os.urandom(4).hex())


def _effect(options: argparse.Namespace, orders: Orders) -> str:
    epochs = options.epochs or 0
    said = _SAID[options.order].format(log_dir=options.log_dir, epochs=epochs, twice=2 * epochs)
    if orders.paused and options.order == "every":
        said += "; it is still paused"
    return said


def _trains(store: Place) -> bool:
    """Whether a training writes there: by its lock, else by how long ago it wrote."""
    from tbviz.store.heads import status
    from tbviz.store.reader import Reader
    from tbviz.store.soundness import is_written, pack_path

    reader = Reader(store)
    reader.refresh()
    written = [is_written(pack_path(reader, segment)) for segment in reader.segments]
    if any(written):
        return True
    # A file system without locks: what was written a moment ago is believed to go on.
    return None in written and status(reader.segments[-1], time.time()) == "live"
