"""`max_overhead` in real fits; time is a clock that the tests set."""

from __future__ import annotations

import keras
import pytest
from callbacks.limited_runs import SlowCallback, SlowTraining, fit
from callbacks.nets import metas, notices, positions

import tbviz
from tbviz.callbacks.limits import cost_meter
from tbviz.callbacks.limits.cost_meter import WriteCost
from tbviz.callbacks.run import position_writer
from tbviz.store.read.reader import open_reader


class Reports(keras.callbacks.Callback):
    """Reports costs as if the writer's thread had encoded a snapshot, and training waited."""

    def __init__(self, ours, seconds=0.0, wait=0.0):
        super().__init__()
        self.ours, self.seconds, self.wait = ours, seconds, wait

    def on_epoch_begin(self, epoch, logs=None):
        if self.ours.finished[-1:] == [epoch - 1]:
            costs = self.ours._session.run_log.costs
            costs.count_written([WriteCost(self.ours.callback_id, self.seconds, 100)])
            self.ours.clock.now += self.wait
            costs.count_wait(self.wait)


def test_whole_snapshots_are_postponed(tmp_path, clock):
    cheap = SlowCallback(tmp_path, clock, 0.1, max_overhead=0.05)
    expensive = SlowCallback(tmp_path, clock, 2.0)
    fit(SlowTraining(clock, lambda _: 10.05), cheap, expensive, epochs=40)
    # 2.1 s per snapshot, half a second allowed per epoch: the second one when the first, it and
    # the last (6.3 s) are allowed, after 13 epochs. Then one per 4.2 epochs, and the last.
    assert cheap.finished == expensive.finished == [0, 12, 16, 20, 25, 29, 33, 37, 39]
    record = metas(tmp_path, "cost")[-2]
    assert record["budget"] == 0.05
    assert record["skipped"] == ["SlowCallback", "SlowCallback 2"]
    assert "skipped" not in metas(tmp_path, "cost")[-3]
    messages = [notice["text"] for notice in notices(tmp_path, "info")]
    assert (
        "captures less often to stay below max_overhead=0.05: a snapshot takes about 2.1 s, "
        "which allows one per 42 s of training"
    ) in messages
    assert messages[-1] == (
        "logging took 4.7% of training time; skipped: SlowCallback 31 times, "
        "SlowCallback 2 31 times"
    )


def test_it_recovers_when_training_slows(tmp_path, clock):
    expensive = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda epoch: 1.0 if epoch < 30 else 50.0), expensive, epochs=45)
    assert not [epoch for epoch in expensive.finished if 0 < epoch < 30]
    # 2.5 s an epoch: after what is saved for the last snapshot, every one.
    assert set(range(34, 45)) <= set(expensive.finished)


def test_callbacks_of_one_class_have_a_name_each(tmp_path, clock):
    cheap = SlowCallback(tmp_path, clock, 0.1, max_overhead=0.05)
    expensive = SlowCallback(tmp_path, clock, 5.0)
    fit(SlowTraining(clock, lambda _: 10.0), cheap, expensive, epochs=10)
    [segment] = open_reader(tmp_path).segments
    for name, seconds in (("SlowCallback", 0.2), ("SlowCallback 2", 10.0)):
        cost = segment.costs.methods[name]
        assert (cost.snapshots, cost.skipped, cost.main) == (2, 8, seconds)
    assert [notice["event"] for notice in notices(tmp_path)].count("skipped") == 1
    # Another fit counts anew.
    fit(SlowTraining(clock, lambda _: 10.0), expensive, epochs=2)
    assert "SlowCallback 2" not in open_reader(tmp_path).segments[1].costs.methods


def test_several_log_directories_share_one_limit(tmp_path, clock):
    one = SlowCallback(tmp_path / "one", clock, 1.0, max_overhead=0.05)
    other = SlowCallback(tmp_path / "other", clock, 1.0)
    fit(SlowTraining(clock, lambda _: 10.0), one, other, epochs=80)
    snapshots = len(one.finished) + len(other.finished)
    assert 30 < snapshots <= 40 + 2
    assert abs(len(one.finished) - len(other.finished)) < 5
    assert metas(tmp_path / "other", "cost")[-1]["budget"] == 0.05


def test_a_training_step_that_logs_nothing_is_no_way_round_the_limit(tmp_path, clock):
    class Silent(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.clear()

    expensive = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), Silent(), expensive, epochs=40)
    assert len(expensive.finished) * 2.0 / 400 <= 0.05 + 0.005


def test_the_writers_cpu_seconds_count(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(cost_meter, "_cores", lambda: 2)
    monkeypatch.setattr(position_writer, "_threads_slow_training", lambda: False)
    cheap = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.05), Reports(cheap, 3.9), cheap, epochs=20)
    # About two seconds of training per snapshot: six are allowed after 12 epochs, eight after 16.
    assert cheap.finished == [0, 11, 15, 19]
    cost = metas(tmp_path, "cost")[1]
    assert (cost["factor"], cost["encode"]["SlowCallback"]) == (0.5, 3.9)


def test_waiting_for_the_disk_counts(tmp_path, clock):
    cheap = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.05), Reports(cheap, wait=2.8), cheap, epochs=20)
    # A wait is known afterwards, and made up for: three seconds are allowed after six epochs.
    assert cheap.finished == [0, 5, 11, 16, 19]


def test_if_training_waits_for_the_writer_its_seconds_count_once(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(position_writer, "_threads_slow_training", lambda: True)
    ours = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), Reports(ours, 0.4, wait=0.4), ours, epochs=10)
    # At the second epoch 0.4 s are spent and twice as much is expected; one second is allowed.
    assert ours.finished == [0, *range(2, 10)]
    assert metas(tmp_path, "cost")[-1]["factor"] == 0


def test_skipped_snapshots_that_are_due_by_batches_are_recorded(tmp_path, clock):
    expensive = SlowCallback(
        tmp_path, clock, 2.0, max_overhead=0.05, schedule=tbviz.every(batches=1)
    )
    fit(SlowTraining(clock, lambda _: 10.0), expensive, epochs=30)
    left_out = sum(len(meta.get("skipped", ())) for meta in metas(tmp_path, "cost"))
    assert left_out == 30 - (len(expensive.finished) - 2)
    assert len(expensive.finished) * 2.0 / 300 <= 0.05 + 0.005


def test_without_a_limit_nothing_is_left_out(tmp_path, clock):
    expensive = SlowCallback(tmp_path, clock, 100.0)
    fit(SlowTraining(clock, lambda _: 1.0), expensive, epochs=4)
    assert expensive.finished == [0, 1, 2, 3]
    assert "budget" not in metas(tmp_path, "cost")[-1]


def test_compiling_is_not_in_the_budget(tmp_path, clock, monkeypatch):
    class Compiles(SlowCallback):
        def capture(self, view, log):
            if not self.finished:
                clock.now += 60.0
                view.inspector.compile_seconds += 60.0
            super().capture(view, log)

    made = Compiles(tmp_path, clock, 0.2, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), made, epochs=5)
    assert made.finished == [0, 1, 2, 3, 4]
    assert metas(tmp_path, "cost")[0]["compile"]["Compiles"] == 60.0


def test_what_the_first_call_took_besides_compiling_is_expected_until_it_is_measured(
    tmp_path, clock
):
    class Compiles(SlowCallback):
        def capture(self, view, log):
            if not self.finished:
                view.inspector.compile_seconds += 3.0
                view.inspector.first_seconds += 3.0
                clock.now += 3.0
            super().capture(view, log)

    made = Compiles(tmp_path, clock, 0.2, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), made, epochs=20)
    # 0.2 s are spent, and 3.2 s expected for the next and the last one: 6.6 s, after 14 epochs.
    assert made.finished == [0, *range(13, 20)]


def test_a_callback_that_stops_training_leaves_time_for_the_last_snapshot(tmp_path, clock):
    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 21

    expensive = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.05), expensive, Stops(), epochs=100)
    assert expensive.finished == [0, 11, 15, 19, 21]
    assert [final for *_, final in positions(tmp_path)][-1]


class Dies(keras.callbacks.Callback):
    """Ends a fit before its first epoch."""

    def on_train_begin(self, logs=None):
        raise RuntimeError("no data")


def test_a_fit_that_died_before_its_first_epoch_is_no_part_of_the_next(tmp_path, clock):
    one = SlowCallback(tmp_path / "one", clock, 2.0, max_overhead=0.05)
    other = SlowCallback(tmp_path / "other", clock, 2.0)
    dead = SlowCallback(tmp_path / "one", clock, 2.0)
    with pytest.raises(RuntimeError, match="no data"):
        fit(one, other, dead, Dies(), epochs=2)
    clock.now += 36000
    fit(SlowTraining(clock, lambda _: 10.0), one, other, epochs=10)
    # First and last alone: ten hours that nothing was trained in pay for nothing.
    assert one.finished == other.finished == [0, 9]
    assert dead.finished == []


def test_a_limit_of_a_later_log_directory_holds_for_an_earlier_one(tmp_path, clock):
    first = SlowCallback(tmp_path / "one", clock, 4.0)
    limit = SlowCallback(tmp_path / "other", clock, 0.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), first, limit, epochs=4)
    assert first.finished == [0, 3]
    assert metas(tmp_path / "one", "cost")[-1]["budget"] == 0.05
