"""Pause, resume or reschedule the snapshots of a running `fit` from outside."""

from __future__ import annotations

import argparse
import os
import time
from typing import TYPE_CHECKING, Any

from tbviz.cli.console import say
from tbviz.cli.formatting import counted
from tbviz.cli.runs import OneByOne, add_log_dir, title
from tbviz.errors import TbvizError
from tbviz.results.runs_under import runs_under

if TYPE_CHECKING:
    from tbviz.store.control import Orders
    from tbviz.store.disk.locations import Location

_EFFECTS = {
    "pause": "nothing is captured until `tbviz control {log_dir} resume`; training continues",
    "resume": "snapshots follow the callbacks' schedules",
    "now": "one snapshot is captured now",
    "every": "snapshots are captured at the ends of epochs 0, {epochs}, {twice} ... and of the "
    "last epoch, instead of on the callbacks' schedules, until `tbviz control {log_dir} resume`",
}


def add_parser(commands: Any) -> None:
    """Add `control` and its options to the subcommands of `argparse`."""
    parser = commands.add_parser(
        "control",
        help="pause, resume or reschedule snapshots during training, or capture one now",
        usage="%(prog)s [-h] LOG_DIR {pause | resume | now | every N}",
        description=__doc__,
        epilog="The order is a small file in the run's store, so this works from any machine that "
        "can access the log directory. Training reads the file at the ends of batches, at most "
        "every two seconds, and never waits for it.",
    )
    add_log_dir(parser)
    parser.add_argument(
        "order",
        nargs="+",
        metavar="ORDER",
        help="pause: capture no snapshots; resume: follow the callbacks' schedules again; now: "
        "capture one snapshot immediately; every N: capture snapshots at the ends of epochs 0, N, "
        "2N ... and of the last epoch, instead of following the schedules",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Write the order to the runs that are being trained, or to all if none seems to be."""
    from tbviz.store.control import read_orders, write_orders
    from tbviz.store.errors import StoreError

    order, epochs = _order(options.order)
    each = OneByOne("control")
    runs = []
    foreign = {}  # run to the reason why its newest segment is not read
    for run in runs_under(options.log_dir):
        with each.run(title(options.log_dir, run.name)):
            trains, refused = _state(run.store)
            if refused and trains is not False:
                raise TbvizError(f"{refused}; the order is not written there")
            runs.append((run, trains))
            foreign[run] = refused
    if not runs:
        return 1  # the reason of each was printed
    selected = [run for run, trains in runs if trains] or [
        # `now` is for a training that is running: a later one would ignore it.
        run
        for run, trains in runs
        if order != "now" or trains is None
    ]
    if not selected:
        raise TbvizError(
            f"received now, but nothing is being trained in {options.log_dir}; expected the log "
            "directory of a running `fit`, because `now` does not wait for the next one"
        )
    ordered = 0
    for run in selected:
        name, store = run
        try:
            before = read_orders(store)
        except StoreError:
            before = None  # an invalid file is replaced
        orders = _ordered(before, order, epochs)
        with each.run(title(options.log_dir, name)):
            write_orders(store, orders)
            ordered += 1
            effect = _EFFECTS[order].format(
                log_dir=options.log_dir, epochs=epochs, twice=2 * epochs
            )
            paused = "; it is still paused" if orders.paused and order == "every" else ""
            say(f"{title(options.log_dir, name)}: {effect}{paused}")
            if foreign[run]:
                say(f"{title(options.log_dir, name)}: {foreign[run]}")
    if ordered:
        say(f"the order takes effect {_when(order, [trains for _, trains in runs])}")
    if len(selected) < len(runs):
        say(f"skipped: {counted(len(runs) - len(selected), 'run')} that nothing writes to")
    return 1 if each.failed else 0


def _order(words: list[str]) -> tuple[str, int]:
    """Return the order, and the number of epochs for `every`, 0 for other orders."""
    given = " ".join(words)
    name, *numbers = given.split() or [""]
    if name in _EFFECTS and name != "every" and not numbers:
        return name, 0
    if name == "every" and len(numbers) == 1 and numbers[0].isdecimal() and int(numbers[0]):
        return name, int(numbers[0])
    raise TbvizError(
        f"received {given!r}; expected pause, resume, now, or every N with N at least 1, such as "
        "every 10; to capture nothing, use pause"
    )


def _when(order: str, trains: list[bool | None]) -> str:
    if True in trains:
        return "at the end of a batch, within two seconds if batches are short"
    if order == "now":
        return (
            "at the end of a batch if a fit is running, perhaps late (this machine cannot see "
            "whether one is running); a fit that begins later ignores it"
        )
    if None in trains:
        return (
            "at the end of a batch if a fit is running (this machine cannot see whether one is), "
            "otherwise in the next fit with this log_dir"
        )
    return "in the next fit with this log_dir, because nothing is being trained there now"


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
    """Return whether a training writes there, and why its newest segment is not read.

    The lock decides, otherwise the end of the newest fit or the clock.

    Returns:
        Whether it does, None if there are no locks and no end, and nothing was written for a while;
        and a sentence, "" if the segment is read.
    """
    from tbviz.store.format.foreign_format import sentence
    from tbviz.store.read.reader import Reader
    from tbviz.store.read.run_index import status

    reader = Reader(store)
    reader.refresh()
    written = [segment.source.held() for segment in reader.segments]
    newest = reader.segments[-1].refused if reader.segments else ""
    refused = sentence(len(reader.segments), newest) if newest else ""
    if any(written):
        return True, refused
    if None not in written:
        return False, refused
    state = status(reader.segments[-1], time.time())
    return None if state in {"lost", "unreadable"} else state == "live", refused
