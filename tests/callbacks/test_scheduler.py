"""`max_overhead` in real fits; time is a clock that the tests set."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from callbacks.limited_runs import SlowCallback, SlowTraining, fit
from callbacks.nets import metas, notices, positions

import tbviz
from tbviz.callbacks.limits.limits import Limits
from tbviz.callbacks.limits.writer_factor import WriterFactor
from tbviz.callbacks.run import position_writer
from tbviz.callbacks.run.position_records import WriteCost
from tbviz.store.read.reader import open_run


def test_expensive_callbacks_are_thinned_and_cheap_ones_are_not(tmp_path, clock):
    cheap = SlowCallback(tmp_path, clock, 0.1, max_overhead=0.05)
    expensive = SlowCallback(tmp_path, clock, 2.0)
    fit(SlowTraining(clock, lambda _: 10.0), cheap, expensive, epochs=40)
    assert cheap.finished == list(range(40))
    # 0.5 s per epoch, 0.1 of them for the cheap one: the first one is paid back by epoch 4, and
    # from then on 0.4 s an epoch are two seconds every fifth. The last epoch is always kept, and
    # saved for on the way.
    assert expensive.finished[0] == 0
    assert expensive.finished[-1] == 39
    gaps = np.diff(expensive.finished[1:-1])
    assert gaps.min() >= 5
    assert 5 <= np.mean(gaps) <= 10
    spent = 40 * 0.1 + len(expensive.finished) * 2.0
    assert spent / 400 <= 0.05
    record = metas(tmp_path, "cost")[-2]
    assert record["budget"] == 0.05
    assert record["skipped"] == ["SlowCallback 2"]
    messages = [notice["text"] for notice in notices(tmp_path, "info")]
    assert (
        "captures less often to stay below max_overhead=0.05: a snapshot takes about 2 s"
        in messages
    )
    assert messages[-1].startswith("logging took 4.")


def test_it_recovers_when_training_slows(tmp_path, clock):
    expensive = SlowCallback(tmp_path, clock, 2.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda epoch: 1.0 if epoch < 30 else 50.0), expensive, epochs=45)
    assert not [epoch for epoch in expensive.finished if 0 < epoch < 30]
    # 2.5 s an epoch: after the debt, and what is saved for the last snapshot, every one.
    assert set(range(34, 45)) <= set(expensive.finished)


def test_parts_go_on_at_later_epochs(tmp_path, clock):
    split = SlowCallback(tmp_path, clock, 4.8, parts=8, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), split, epochs=30)
    # Half a second an epoch is allowed. The first snapshot may owe an eighth of what is to come.
    assert np.bincount(split.captured[:-8])[0] == 3
    assert np.bincount(split.captured[:-8])[1:].max() == 1
    assert split.begun[1] > split.finished[0] > 4
    interrupted = [meta["epoch"] for meta in metas(tmp_path, "cost") if meta.get("divided")]
    assert interrupted[0] == 0
    assert split.finished[0] not in interrupted
    # At the end all of it, at one state of the model.
    assert split.captured[-8:] == [29] * 8


def test_callbacks_of_one_class_have_an_account_and_a_name_each(tmp_path, clock):
    cheap = SlowCallback(tmp_path, clock, 0.1, max_overhead=0.05)
    expensive = SlowCallback(tmp_path, clock, 5.0)
    fit(SlowTraining(clock, lambda _: 10.0), cheap, expensive, epochs=10)
    [segment] = open_run(tmp_path).segments
    first, second = (segment.costs.methods[name] for name in ("SlowCallback", "SlowCallback 2"))
    assert (first.snapshots, first.skipped) == (10, 0)
    assert (second.snapshots, second.skipped) == (2, 8)
    assert [notice["method"] for notice in notices(tmp_path)].count("SlowCallback 2") == 1
    # Another fit counts anew.
    fit(SlowTraining(clock, lambda _: 10.0), expensive, epochs=2)
    assert "SlowCallback 2" not in open_run(tmp_path).segments[1].costs.methods


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
    cheap = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    costs = [[WriteCost(cheap.callback_id, 4.0, 100)] for _ in range(100)]
    monkeypatch.setattr(position_writer.PositionWriter, "take_write_costs", lambda _: costs.pop())
    monkeypatch.setattr(WriterFactor, "value", 0.5)
    fit(SlowTraining(clock, lambda _: 10.0), cheap, epochs=20)
    # Two of ten seconds an epoch, told anew at each: far above half a second.
    assert cheap.finished == [0, 19]
    assert metas(tmp_path, "cost")[-2]["skipped"] == ["SlowCallback"]


def test_waiting_for_the_disk_counts(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(position_writer.PositionWriter, "take_waited", lambda _: 3.0)
    cheap = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), cheap, epochs=20)
    assert cheap.finished == [0, 19]


def test_skipped_snapshots_that_are_due_by_batches_are_recorded(tmp_path, clock):
    expensive = SlowCallback(
        tmp_path, clock, 2.0, max_overhead=0.05, schedule=tbviz.every(batches=1)
    )
    fit(SlowTraining(clock, lambda _: 10.0), expensive, epochs=30)
    left_out = sum(len(meta.get("skipped", ())) for meta in metas(tmp_path, "cost"))
    assert left_out == 30 - (len(expensive.finished) - 2)
    assert len(expensive.finished) * 2.0 / 300 <= 0.05 + 0.005


def test_without_a_limit_nothing_is_left_out(tmp_path, clock):
    expensive = SlowCallback(tmp_path, clock, 100.0, parts=4)
    fit(SlowTraining(clock, lambda _: 1.0), expensive, epochs=4)
    assert expensive.finished == [0, 1, 2, 3]
    assert "budget" not in metas(tmp_path, "cost")[-1]


def test_compiling_is_not_in_the_budget(tmp_path, clock, monkeypatch):
    class Compiles(SlowCallback):
        def capture(self, view, log):
            if not self.begun:
                clock.now += 60.0
                view.inspector.compile_seconds += 60.0
            yield from super().capture(view, log)

    made = Compiles(tmp_path, clock, 0.2, max_overhead=0.05)
    fit(SlowTraining(clock, lambda _: 10.0), made, epochs=5)
    assert made.finished == [0, 1, 2, 3, 4]
    assert metas(tmp_path, "cost")[0]["compile"]["Compiles"] == 60.0


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


def test_a_limit_of_a_later_log_directory_divides_the_work_of_an_earlier_one(tmp_path, clock):
    split = SlowCallback(tmp_path / "one", clock, 4.0, parts=8)
    limit = SlowCallback(tmp_path / "other", clock, 0.0, max_overhead=0.05)
    divided = []

    class Notes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            divided.append(split._session._view.in_parts)

    fit(SlowTraining(clock, lambda _: 10.0), Notes(), split, limit, epochs=2)
    assert divided == [True, True]


def test_a_snapshot_that_goes_on_is_not_skipped_if_none_is_due(tmp_path, clock):
    split = SlowCallback(
        tmp_path, clock, 4.0, parts=2, max_overhead=0.05, schedule=tbviz.every(epochs=100)
    )
    fit(SlowTraining(clock, lambda _: 1.0), split, epochs=8)
    assert metas(tmp_path, "cost")[0]["divided"] == ["SlowCallback"]
    assert not [meta for meta in metas(tmp_path, "cost") if "skipped" in meta]


def test_where_training_waits_for_the_writer_its_seconds_count_once(tmp_path, clock, monkeypatch):
    ours = SlowCallback(tmp_path, clock, 0.0, max_overhead=0.05)
    monkeypatch.setattr(position_writer, "_threads_slow_training", lambda: True)
    monkeypatch.setattr(position_writer.PositionWriter, "take_waited", lambda _: 0.4)
    monkeypatch.setattr(
        position_writer.PositionWriter,
        "take_write_costs",
        lambda _: [WriteCost(ours.callback_id, 0.4, 100)],
    )
    fit(SlowTraining(clock, lambda _: 10.0), ours, epochs=10)
    assert ours.finished == list(range(10))
    assert metas(tmp_path, "cost")[-1]["factor"] == 0


def test_a_snapshot_in_parts_is_captured_again_if_fit_ends_early(tmp_path, clock, monkeypatch):
    # One part at the first epoch, and one at the second.
    answers = itertools.cycle([False, True])
    monkeypatch.setattr(Limits, "affords", lambda *_: next(answers))

    class Stops(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.stop_training = epoch == 1

    split = SlowCallback(tmp_path, clock, 1.0, parts=2, max_overhead=0.05)
    fit(split, Stops(), epochs=9)
    assert split.captured == [0, 1, 1, 1]
    assert [final for *_, final in positions(tmp_path)] == [False, False, True]
