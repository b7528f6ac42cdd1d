"""Runs a callback: a whole snapshot at once, or as many parts as it can afford."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tbviz.callbacks.limits.scheduler import Scheduler
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.run_log import RunLog

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual

_DONE = object()


def run_callback(
    callback: Visual,
    view: ModelView,
    run_log: RunLog,
    scheduler: Scheduler,
    boundary: Callable[[Visual], AbstractContextManager[None]],
    *,
    whole: bool,
) -> bool:
    """Let a callback capture, or go on with an interrupted snapshot.

    Args:
        callback: the callback.
        view: of the model.
        run_log: takes what is logged, and what it costs.
        scheduler: says what it can afford.
        boundary: catches what goes wrong in it.
        whole: whether it begins anew and does all of its work now, whatever that takes.

    Returns:
        Whether the snapshot is finished, and all of it was captured at this position.
    """
    rest = None if whole else scheduler.continued(callback)
    anew = rest is None
    if rest is None:
        scheduler.drop(callback)
        rest = _parts(callback, view, run_log)
    run_log.low_priority, run_log.callback_id = callback.low_priority, callback.callback_id
    try:
        while True:
            done = True  # also where it fails
            with (
                boundary(callback),
                run_log.costs.measure(callback.method, view.inspector) as spent,
            ):
                done = next(rest, _DONE) is _DONE
            scheduler.limits.spend(callback, spent, parts=1, done=done)
            if done:
                return anew
            if not whole and not scheduler.limits.affords(callback):
                scheduler.interrupt(callback, rest)
                return False
    finally:
        run_log.low_priority, run_log.callback_id = False, None


def _parts(callback: Visual, view: ModelView, run_log: RunLog) -> Iterator[None]:
    parts = callback.capture(view, run_log)
    if parts is not None:
        yield from parts
