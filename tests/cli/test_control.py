"""control as a person types it."""

from __future__ import annotations

import pytest
from made_stores import LAYERS, Run, make_run

from tbviz.store.control import Orders, read_orders
from tbviz.store.disk import locks
from tbviz.store.disk.locations import store_directory


def test_control_writes_orders_to_the_runs_that_are_trained(tmp_path, tbviz):
    make_run(tmp_path / "done", 2, LAYERS[-1:], images=1)
    done = store_directory(tmp_path / "done")
    status, said = tbviz("control", tmp_path, "pause")
    assert (status, read_orders(done)) == (0, Orders(paused=True))
    assert "the order takes effect in the next fit with this log_dir" in said.out
    status, said = tbviz("control", tmp_path, "now")
    assert (status, "nothing is being trained in" in said.err) == (1, True)
    assert read_orders(done) == Orders(paused=True)
    training = Run(tmp_path / "training", LAYERS[-1:], 1)
    try:
        status, said = tbviz("control", tmp_path, "every", "5")
        live = store_directory(tmp_path / "training")
        assert (read_orders(done), read_orders(live)) == (Orders(paused=True), Orders(every=5))
        assert "training: snapshots are captured at the ends of epochs 0, 5, 10" in said.out
        assert "skipped: 1 run " in said.out
        assert "at the end of a batch" in said.out
        tbviz("control", tmp_path, "pause")
        tbviz("control", tmp_path, "now")
        paused, every, now = read_orders(live)
        assert (paused, every, len(now)) == (True, 5, 8)
        tbviz("control", tmp_path, "now")
        assert read_orders(live).now != now
        assert "still paused" in tbviz("control", tmp_path, "every 3")[1].out
        assert read_orders(live).every == 3
        assert f"tbviz control {tmp_path / 'training'} resume" in tbviz(
            "inspect", tmp_path / "training")[1].out  # fmt: skip
        word = read_orders(live).now
        tbviz("control", tmp_path, "resume")
        assert read_orders(live) == Orders(now=word)
    finally:
        training.writer.close()
    (done / "control.json").write_text("{")
    tbviz("control", tmp_path / "done", "pause")
    assert read_orders(done) == Orders(paused=True)


def test_now_where_nobody_knows_who_trains_may_be_late(tmp_path, tbviz, monkeypatch):
    run_dir = tmp_path / "run"
    make_run(run_dir, 2, LAYERS[-1:], images=1, finish=False)
    monkeypatch.setattr(locks, "_HAS_LOCKS", False)
    monkeypatch.setattr("time.time", lambda: 1e12)
    status, said = tbviz("control", run_dir, "now")
    assert (status, "perhaps late (this machine cannot see" in said.out) == (0, True)
    assert read_orders(store_directory(run_dir)).now


def test_a_run_without_locks_that_says_it_ended_is_not_trained(bucket, tbviz):
    make_run(bucket, 1, LAYERS[-1:], images=1)
    assert "nothing is being trained there now" in tbviz("control", bucket, "pause")[1].out
    assert "nothing is being trained in" in tbviz("control", bucket, "now")[1].err
    training = Run(bucket, LAYERS[-1:], 1, now=True)
    try:
        assert "within two seconds" in tbviz("control", bucket, "now")[1].out
    finally:
        training.writer.close()


@pytest.mark.parametrize(
    "order", [["every"], ["pause", "3"], ["every", "0"], ["every 3", "4"], [""], ["stop"]]
)
def test_control_says_what_it_takes(order, run_dir, tbviz):
    status, said = tbviz("control", run_dir, *order)
    assert (status, "expected pause, resume, now, or every N" in said.err) == (1, True)
    assert not (store_directory(run_dir) / "control.json").exists()


def test_control_where_no_run_is_says_what_to_do(tmp_path, tbviz):
    status, said = tbviz("control", tmp_path, "pause")
    assert (status, "a run exists as soon as its first epoch has begun" in said.err) == (1, True)
