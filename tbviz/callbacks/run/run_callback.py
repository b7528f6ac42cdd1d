"""Runs a callback at one position, and counts what it costs."""

from __future__ import annotations

from tbviz.callbacks.limits.cost_meter import CostMeter
from tbviz.callbacks.limits.scheduler import Scheduler
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.member import Member
from tbviz.callbacks.run.model_view import ModelView


def run_callback(
    callback: Member, view: ModelView, log: CallbackLog, costs: CostMeter, scheduler: Scheduler
) -> None:
    """Let a callback capture.

    Args:
        callback: The callback.
        view: Of the model.
        log: Bound to the callback.
        costs: Measures what it costs.
        scheduler: Counts what it costs.
    """
    with log.guard(), costs.measure(callback.method, view.inspector) as spent:
        callback.capture(view, log)
    scheduler.limits.spend(callback, spent, parts=1, done=True)
