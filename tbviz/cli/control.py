"""`tbviz control`: pauses, resumes or paces the looks of a training from outside."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from tbviz.cli.console import say
from tbviz.cli.formatting import counted
from tbviz.cli.runs import OneByOne, add_log_dir, runs_under, title
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    from tbviz.store.control import Orders
    from tbviz.store.locations import Location

_SAID = {
    "pause": "nothing is looked at until `tbviz control {log_dir} resume`; training goes on",
    "resume": "looks are taken as the callbacks' schedules say",
    "now": "one look is taken at once",
    "every": "looks are taken at the ends of epochs 0, {epochs}, {twice} ... and of the last, "
    "whatever the callbacks' schedules say, until `tbviz control {log_dir} resume`",
}


def add_parser(commands: Any) -> None:
    """Add `control` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "control",
        help="pause, resume or pace a training's looks, or ask for one now",
        usage="%(prog)s [-h] LOG_DIR {pause | resume | now | every N}",
        description=__doc__,
        epilog="The order is a small file in the run's store, so this works from any machine that "
        "sees the log directory. Training reads it at the ends of batches, at most every two "
        "seconds, and never stops for it.",
    )
    add_log_dir(parser)
    parser.add_argument(
        "order",
        nargs="+",
        metavar="ORDER",
        help="pause: no looks; resume: those of the callbacks' schedules again; now: one look at "
        "once; every N: looks at the ends of epochs 0, N, 2N ... and of the last, in place of the "
        "schedules",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Leave the order in the runs that train, or in all where none seems to."""
    from tbviz.store.control import read_orders, write_orders
    from tbviz.store.errors import StoreError

    order, epochs = _order(options.order)
    each = OneByOne("control")
    runs = []
    foreign = {}  # of each run: why its newest segment is not read
    for run in runs_under(options.log_dir):
        with each.run(title(options.log_dir, run.name)):
            trains, refused = _state(run.store)
            if refused and trains is not False:
                raise TbvizError(f"{refused}; the order is not given there")
            runs.append((run, trains))
            foreign[run] = refused
    if not runs:
        return 1  # each has said why
    told = [run for run, trains in runs if trains] or [
        # One look now is asked of the training that goes on: none to come would obey.
        run
        for run, trains in runs
        if order != "now" or trains is None
    ]
    if not told:
        raise TbvizError(
            f"received now, but nothing trains in {options.log_dir}; expected the log directory "
            "of a training that goes on, as this order is not kept for a later one"
        )
    ordered = 0
    for run in told:
        name, store = run
        try:
            before = read_orders(store)
        except StoreError:
            before = None  # what makes no sense is replaced
        orders = _ordered(before, order, epochs)
        with each.run(title(options.log_dir, name)):
            write_orders(store, orders)
            ordered += 1
            said = _SAID[order].format(log_dir=options.log_dir, epochs=epochs, twice=2 * epochs)
            paused = "; it is still paused" if orders.paused and order == "every" else ""
            say(f"{title(options.log_dir, name)}: {said}{paused}")
            if foreign[run]:
                say(f"{title(options.log_dir, name)}: {foreign[run]}")
    if ordered:
        say(f"obeyed {_when(order, [trains for _, trains in runs])}")
    if len(told) < len(runs):
        say(f"left alone: {counted(len(runs) - len(told), 'run')} that nothing writes to")
    return 1 if each.failed else 0


def _order(words: list[str]) -> tuple[str, int]:
    """What is to be done, and the epochs of `every`, 0 for the others."""
    given = " ".join(words)
    name, *numbers = given.split() or [""]
    if name in _SAID and name != "every" and not numbers:
        return name, 0
    if name == "every" and len(numbers) == 1 and numbers[0].isdecimal() and int(numbers[0]):
        return name, int(numbers[0])
    raise TbvizError(
        f"received {given!r}; expected pause, resume, now, or every N with N from 1 on, such as "
        "every 10; `pause` is for no looks at all"
    )


def _when(order: str, trains: list[bool | None]) -> str:
    if True in trains:
        return "at the end of a batch, within two seconds where batches are short"
    if order == "now":
        return (
            "at the end of a batch if a training goes on, perhaps late: from here that cannot be "
            "told; a training that begins later does not obey it"
        )
    if None in trains:
        return (
            "at the end of a batch if a training goes on, which cannot be told from here, else by "
            "the next one with this log_dir"
        )
    return "by the next training with this log_dir: nothing writes there now"


def _ordered(before: Orders | None, order: str, epochs: int) -> Orders:
    from tbviz.store.control import Orders

    held = before or Orders()
    if order == "pause":
        return held._replace(paused=True)
    if order == "resume":
        return held._replace(paused=False, every=None)
    if order == "every":
        return held._replace(every=epochs)
    return held._replace(now=os.urandom(4).hex())


def _state(store: Location) -> tuple[bool | None, str]:
    """Tell whether a training writes there, and why its newest segment is not read.

    The lock tells who writes, else the newest fit's end or the clock.

    Returns:
        None where there are no locks, no end, and nothing was written for a while; and a sentence,
        `""` if the segment is read.
    """
    from tbviz.store.foreign_format import sentence
    from tbviz.store.reader import Reader
    from tbviz.store.run_index import status

    reader = Reader(store)
    reader.refresh()
    written = [segment.source.held() for segment in reader.segments]
    newest = reader.segments[-1].refused if reader.segments else ""
    refused = sentence(len(reader.segments), newest) if newest else ""
    if any(written):
        return True, refused
    if None not in written:
        return False, refused
    said = status(reader.segments[-1], time.time())
    return None if said in {"lost", "unreadable"} else said == "live", refused
