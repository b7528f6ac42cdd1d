"""`max_disk` of a store that somebody prunes, or that hangs, without a model."""

from __future__ import annotations

import threading

from callbacks.simulated_fit import Callback, Directory

from tbviz.callbacks.limits import disk_limit as disk_limit_module
from tbviz.callbacks.limits.cost_meter import WriteCost
from tbviz.callbacks.limits.training_clock import TrainingClock


def limited(store, clock, epochs):
    """Return a log directory of 1000 bytes, where 900 are taken already, and its callback."""
    (store / "old.pack").write_bytes(bytes(900))
    maps = Callback(max_disk=1000)
    directory = Directory([maps], clock, TrainingClock(), store)
    directory.scheduler.begin(0, epochs)
    return directory, maps


def write(directory, maps, size):
    directory.meter.count_written([WriteCost(maps.callback_id, 0.0, size)])


def test_a_full_store_that_was_pruned_is_written_to_again(tmp_path, clock):
    directory, maps = limited(tmp_path, clock, 10)
    captured = []
    for epoch in range(10):
        clock.now += 30.0
        due = directory.scheduler.at_epoch(epoch, [maps], first=epoch == 0, last=False)
        captured.append(bool(due))
        if epoch == 0:
            (tmp_path / "new.pack").write_bytes(bytes(80))
            write(directory, maps, 80)
        if epoch == 1:
            assert directory.notices[-1]["event"] == "limit_reached"
            assert directory.scheduler.disk.reason([]).startswith(
                "paused: the store is full (980 B of max_disk=1.0 kB)"
            )
        if epoch == 4:
            (tmp_path / "old.pack").unlink()
    # It is listed once a minute, so at epoch 5; then five epochs share what is free.
    assert captured[1:5] == [False] * 4
    assert captured[5:] == [True] * 5


def test_a_store_that_hangs_is_asked_once_and_waited_for_less_and_less(
    tmp_path, clock, monkeypatch
):
    monkeypatch.setattr(disk_limit_module, "_TIMEOUT", 0.01)
    answers, calls, listed = threading.Event(), [], disk_limit_module.bytes_in

    def hangs(store):
        calls.append(store)
        held = listed(store)
        answers.wait(240)
        return held

    monkeypatch.setattr(disk_limit_module, "bytes_in", hangs)
    directory, maps = limited(tmp_path, clock, 1000)
    waits = []
    monkeypatch.setattr(directory.scheduler.disk, "_count_wait", waits.append)
    write(directory, maps, 80)
    for epoch in range(100):
        clock.now += 61.0
        directory.scheduler.at_epoch(epoch, [maps], first=False, last=False)
    assert len(calls) == 1
    assert len(waits) < 10
    # The late answer is of then: what was written since is not in it.
    answers.set()
    for thread in threading.enumerate():
        if thread.name == "tbviz-call":
            thread.join()
    clock.now += 3600.0
    monkeypatch.setattr(disk_limit_module, "bytes_in", lambda _: 1 / 0)
    directory.scheduler.at_epoch(100, [maps], first=False, last=False)
    assert directory.scheduler.disk.reason([]).startswith("paused: the store is full (980 B")
