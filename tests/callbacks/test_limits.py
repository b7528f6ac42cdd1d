"""What limits take in, without a model."""

from __future__ import annotations

import threading
from types import SimpleNamespace

from tbviz.callbacks.limits import limits as limits_module
from tbviz.callbacks.limits.cost_meter import CostMeter, Spent
from tbviz.callbacks.limits.limits import Limits
from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.position_records import CallbackId, WriteCost


class RunLog:
    """Reports the costs that a test puts into it."""

    def __init__(self, training_clock):
        self.costs, self.write_costs, self.beside_training = CostMeter(training_clock), [], True
        self.waited_for = 0
        self.writer = self

    def count_wait(self, seconds):
        del seconds
        self.waited_for += 1

    def take_waited(self):
        return 0.0

    def take_write_costs(self):
        costs, self.write_costs = self.write_costs, []
        return costs


def limited(store, epochs):
    """Limits of a callback that has 1000 bytes, where 900 are taken already."""
    (store / "old.pack").write_bytes(bytes(900))
    training_clock = TrainingClock()
    run_log = RunLog(training_clock)
    limits = Limits(run_log, training_clock, store)
    maps = SimpleNamespace(callback_id=CallbackId(1, "maps"), max_overhead=None, max_disk=1000)
    limits.join(maps)
    limits.begin(0, epochs)
    return limits, run_log, maps


def test_a_full_store_that_was_pruned_is_written_to_again(tmp_path, clock):
    limits, run_log, maps = limited(tmp_path, 10)
    affords = []
    for epoch in range(10):
        clock.now += 30.0
        limits.pay(epoch, epoch_end=True)
        affords.append(limits.affords(maps))
        if epoch == 0:
            limits.spend(maps, Spent(), parts=1, done=True)
            (tmp_path / "new.pack").write_bytes(bytes(80))
            run_log.write_costs.append(WriteCost(maps.callback_id, 0.0, 80))
        if epoch == 1:
            assert limits.skip_reason(maps).text.startswith("paused: the store is full (980 B")
        if epoch == 4:
            (tmp_path / "old.pack").unlink()
    # It is listed once a minute, so at epoch 5; then five epochs share what is free.
    assert affords[1:6] == [False] * 5
    assert affords[6:] == [True] * 4


def test_a_store_that_hangs_is_asked_once_and_waited_for_less_and_less(
    tmp_path, clock, monkeypatch
):
    monkeypatch.setattr(limits_module, "_TIMEOUT", 0.01)
    answers, calls, listed = threading.Event(), [], limits_module.bytes_in

    def hangs(store):
        calls.append(store)
        held = listed(store)
        answers.wait(240)
        return held

    monkeypatch.setattr(limits_module, "bytes_in", hangs)
    limits, run_log, maps = limited(tmp_path, 1000)
    run_log.write_costs.append(WriteCost(maps.callback_id, 0.0, 80))
    for epoch in range(100):
        clock.now += 61.0
        limits.pay(epoch, epoch_end=True)
    assert len(calls) == 1
    assert run_log.waited_for < 10
    # The late answer is of then: what was written since is not in it.
    answers.set()
    for thread in threading.enumerate():
        if thread.name == "tbviz-call":
            thread.join()
    clock.now += 3600.0
    monkeypatch.setattr(limits_module, "bytes_in", lambda _: 1 / 0)
    limits.pay(100, epoch_end=True)
    assert limits.skip_reason(maps).text.startswith("paused: the store is full (980 B")
