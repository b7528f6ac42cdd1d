"""Runs a callback at one position, and counts what it costs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tbviz.callbacks.limits.scheduler import Scheduler
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.run_log import RunLog

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


def run_callback(
    callback: Visual,
    view: ModelView,
    run_log: RunLog,
    scheduler: Scheduler,
    boundary: Callable[[Visual], AbstractContextManager[None]],
) -> None:
    """Let a callback capture.

    Args:
        callback: The callback.
        view: Of the model.
        run_log: Takes what is logged, and what it costs.
        scheduler: Counts what it costs.
        boundary: Catches what goes wrong in it.
    """
    run_log.callback_id = callback.callback_id
    try:
        with boundary(callback), run_log.costs.measure(callback.method, view.inspector) as spent:
            callback.capture(view, run_log)
        scheduler.limits.spend(callback, spent, parts=1, done=True)
    finally:
        run_log.callback_id = None
