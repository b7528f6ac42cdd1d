"""A `fit` without a model or files: the real scheduler, meter and limits on a clock of the test."""

from __future__ import annotations

from types import SimpleNamespace
from unittest import mock

from tbviz.callbacks.limits import clock as clock_module
from tbviz.callbacks.limits import cost_meter
from tbviz.callbacks.limits.cost_meter import CallbackId, CostMeter, WriteCost
from tbviz.callbacks.limits.remote_control import RemoteControl
from tbviz.callbacks.limits.schedule import TrainingProgress, schedule_of
from tbviz.callbacks.limits.scheduler import Scheduler
from tbviz.callbacks.limits.training_clock import TrainingClock

CORES = 2


class Callback:
    """Takes these main-thread seconds, CPU seconds of the writer and bytes, at each snapshot.

    Costs are numbers, or functions of how many snapshots there were before.
    """

    def __init__(self, seconds=0.0, *, writes=0.0, size=0, schedule="epoch", **limits):
        self.costs = [cost if callable(cost) else lambda _, c=cost: c for cost in (seconds, writes)]
        self.size = size
        self.schedule = schedule_of(schedule)
        self.max_overhead, self.max_disk = limits.get("max_overhead"), limits.get("max_disk")
        self.callback_id = CallbackId(id(self), f"callback {id(self)}")
        self.epochs = []

    def cost(self, count):
        """Return the seconds that snapshot takes of training."""
        seconds, writes = (cost(count) for cost in self.costs)
        return seconds + writes / CORES


class Directory:
    """One log directory of a fit."""

    def __init__(self, callbacks, clock, training_clock, store):
        self.callbacks, self.clock = callbacks, clock
        self.notices = []
        self.meter = CostMeter(training_clock)
        self.scheduler = Scheduler(
            store, training_clock, self.meter, lambda *_, **fields: self.notices.append(fields)
        )
        self.inspector = SimpleNamespace(compile_seconds=0.0, first_seconds=0.0)
        self.late = []
        self.last = None
        for callback in callbacks:
            self.scheduler.join(callback)
            callback.schedule.start(TrainingProgress(0, 0, clock.now, False))

    def scheduled(self, progress):
        return [callback for callback in self.callbacks if callback.schedule.due(progress)]

    def capture(self, callbacks, position):
        for callback in callbacks:
            count = len(callback.epochs)
            with self.meter.measure(callback.callback_id, self.inspector):
                self.clock.now += callback.costs[0](count)
            callback.epochs.append(position[0])
            callback.last = position
            written = WriteCost(callback.callback_id, callback.costs[1](count), callback.size)
            self.late.append(written)

    def settle(self):
        """Let the writer's thread report the position before."""
        self.meter.count_written(self.late)
        self.late = []


def simulate(clock, directories, seconds, *, store, batches=1, planned=True):
    """Run a fit; return what its training clock says at the end.

    Args:
        clock: Is set to the time of the fit.
        directories: The callbacks of each log directory.
        seconds: Of training, by epoch.
        store: A path at which there is nothing.
        batches: Per epoch.
        planned: Whether the number of epochs is known.
    """
    with (
        mock.patch.object(clock_module, "source", clock),
        mock.patch.object(cost_meter, "_cores", return_value=CORES),
        mock.patch.object(RemoteControl, "_fetch", lambda self, _: self.orders),
    ):
        training_clock = TrainingClock()
        made = [Directory(each, clock, training_clock, store) for each in directories]
        for one in made:
            one.scheduler.begin(0, len(seconds) if planned else None)
        step, final = 0, len(seconds) - 1
        for epoch, length in enumerate(seconds):
            for batch in range(batches):
                clock.now += length / batches
                step += 1
                progress = TrainingProgress(epoch, step, clock.now, False)
                for one in made:
                    one.settle()
                    due = one.scheduler.at_batch(one.scheduled(progress))
                    one.capture(due, (epoch, batch))
            for one in made:
                scheduled = one.scheduled(TrainingProgress(epoch, step, clock.now, True))
                one.settle()
                due = one.scheduler.at_epoch(
                    epoch, scheduled, first=epoch == 0, last=planned and epoch == final
                )
                one.capture(due, (epoch, None))
        for one in made:
            one.settle()
            late = [c for c in one.callbacks if getattr(c, "last", None) != (final, None)]
            one.capture(one.scheduler.at_end(late), (final, None))
            one.settle()
            one.scheduler.report_skipped()
            one.meter.collect()
        return SimpleNamespace(
            share=training_clock.share,
            spent=training_clock.budget.spent,
            trained=training_clock.trained,
            overhead=training_clock.overhead,
            directories=made,
        )
