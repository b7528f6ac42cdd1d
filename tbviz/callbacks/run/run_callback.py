"""Runs a callback at one position, and counts what it costs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.run_log import RunLog

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


def run_callback(
    callback: Visual,
    view: ModelView,
    run_log: RunLog,
    boundary: Callable[[Visual], AbstractContextManager[None]],
) -> None:
    """Let a callback capture.

    Args:
        callback: The callback.
        view: Of the model.
        run_log: Takes what is logged, and what it costs.
        boundary: Catches what goes wrong in it.
    """
    run_log.low_priority, run_log.callback_id = callback.low_priority, callback.callback_id
    try:
        with (
            boundary(callback),
            run_log.costs.measure(callback.callback_id, view.inspector),
        ):
            callback.capture(view, run_log)
    finally:
        run_log.low_priority, run_log.callback_id = False, None
