from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import cached_model, data, metas, positions, sequential, tiles

import tbviz
from tbviz.callbacks.limits.schedule import Schedule, TrainingProgress, schedule_of
from tbviz.callbacks.run import session
from tbviz.errors import TbvizError


def due_epochs(schedule_like, epochs=20, first=0):
    schedule = schedule_of(schedule_like)
    schedule.start(TrainingProgress(0, 0, 0.0, epoch_end=False))
    return [
        e
        for e in range(first, epochs)
        if schedule.due(TrainingProgress(e, 10 * (e + 1), 0.0, True))
    ]


def test_schedules_by_epochs():
    assert due_epochs("epoch", 4) == [0, 1, 2, 3]
    assert due_epochs(None, 2) == [0, 1]
    assert due_epochs(tbviz.every(epochs=5)) == [0, 5, 10, 15]
    assert due_epochs(5) == due_epochs(np.int64(5)) == [0, 5, 10, 15]
    assert due_epochs(1, 4) == [0, 1, 2, 3]
    assert due_epochs(lambda epoch: epoch in {2, 3}) == [2, 3]
    assert due_epochs(tbviz.geometric()) == [0, 1, 2, 4, 8, 16]
    assert due_epochs(tbviz.geometric(3)) == [0, 1, 3, 9]
    assert due_epochs(tbviz.geometric(1.1), 6) == [0, 1, 2, 3, 4, 5]
    assert due_epochs(tbviz.geometric(), 40, first=10) == [10, 16, 32]
    assert due_epochs("first-and-last") == []


def test_every_batches_fires_when_a_multiple_was_crossed():
    schedule = schedule_of(tbviz.every(batches=10))
    schedule.start(TrainingProgress(0, 0, 0.0, epoch_end=False))
    steps = range(8, 81, 8)  # steps_per_execution=8
    due = [step for step in steps if schedule.due(TrainingProgress(0, step, 0.0, False))]
    assert due == [16, 24, 32, 40, 56, 64, 72, 80]


def test_every_minutes_goes_by_the_clock():
    schedule = schedule_of(tbviz.every(minutes=1))
    schedule.start(TrainingProgress(0, 0, 1000.0, epoch_end=False))
    seconds = [1030, 1059.9, 1060, 1100, 1121, 1300, 1310]
    due = [s for s in seconds if schedule.due(TrainingProgress(0, 1, float(s), False))]
    assert due == [1060, 1121, 1300]


def test_two_callbacks_with_one_schedule_count_apart():
    shared = tbviz.every(batches=2)
    one, other = schedule_of(shared), schedule_of(shared)
    for schedule in (one, other):
        schedule.start(TrainingProgress(0, 0, 0.0, False))
        assert schedule.due(TrainingProgress(0, 2, 0.0, False))


@pytest.mark.parametrize(
    "schedule",
    [
        tbviz.every(epochs=2),
        tbviz.every(batches=10),
        tbviz.every(minutes=1.5),
        tbviz.geometric(),
    ],
)
def test_a_schedule_prints_as_the_call_that_makes_it(schedule):
    assert isinstance(schedule, Schedule)
    assert vars(eval(repr(schedule), {"tbviz": tbviz})) == vars(schedule)


@pytest.mark.parametrize(
    ("make", "messages"),
    [
        (tbviz.every, "nothing"),
        (lambda: tbviz.every(epochs=1, batches=2), "exactly one"),
        (lambda: tbviz.every(minutes=0), "above 0"),
        (lambda: tbviz.geometric(1), "above 1"),
        (lambda: schedule_of("daily"), "'daily'.*every"),
        (lambda: tbviz.every(epochs=True), "whole numbers"),
        (lambda: tbviz.every(batches=2.5), "whole numbers"),
        (lambda: tbviz.every(minutes="5"), "above 0"),
        (lambda: tbviz.geometric("2"), "above 1"),
        (lambda: schedule_of("epochs"), "did you mean 'epoch'"),
        (lambda: schedule_of("first_and_last"), "did you mean 'first-and-last'"),
        (lambda: schedule_of("last"), "did you mean 'first-and-last'"),
        (lambda: schedule_of("every 5"), "did you mean schedule=5"),
        (lambda: schedule_of(0), "received 0; expected 'epoch', a whole number n"),
        (lambda: schedule_of(-3), "received -3; expected"),
        (lambda: schedule_of(True), "received True; expected"),
        (lambda: schedule_of(2.5), "2.5.*callable"),
    ],
)
def test_what_makes_no_schedule_is_refused(make, messages):
    with pytest.raises(TbvizError, match=messages):
        make()


def fit(log_dir, schedule, *others, epochs=4, before=(), **settings):
    images, labels = data(16)
    model = sequential(**settings) if settings else cached_model()
    grid = tbviz.ActivationGrid(log_dir, images[:1], layers="conv2", schedule=schedule)
    model.fit(images, labels, 4, epochs, verbose=0, callbacks=[*before, grid, *others])
    return captured_positions(log_dir)


def captured_positions(log_dir):
    """The positions with pictures: epoch, batch, final."""
    found = metas(log_dir, "activations")
    return [(meta["epoch"], meta.get("batch"), meta.get("final", False)) for meta in found]


def at_ends(*epochs):
    return [(epoch, None, False) for epoch in epochs]


def test_first_and_last_captures_no_other_epoch(tmp_path):
    assert fit(tmp_path, "first-and-last", epochs=5) == at_ends(0, 4)


def test_first_and_last_epoch_are_always_captured(tmp_path):
    assert fit(tmp_path, tbviz.every(epochs=3), epochs=6) == at_ends(0, 3, 5)
    assert len(positions(tmp_path)) == 6  # with metrics, all of them


def test_batches_in_a_real_fit(tmp_path):
    # Four batches an epoch: multiples of 3 are crossed at 3 | 6 | 9, 12; epochs 0 and 2 end runs.
    assert fit(tmp_path, tbviz.every(batches=3), epochs=3) == [
        (0, 3, False),
        (0, None, False),
        (1, 6, False),
        (2, 9, False),
        (2, 12, False),
        (2, None, False),
    ]


def test_batches_with_several_steps_an_execution(tmp_path):
    found = fit(tmp_path, tbviz.every(batches=3), epochs=2, steps_per_execution=2)
    assert found == [
        (0, 4, False),
        (0, None, False),
        (1, 6, False),
        (1, None, False),
    ]


def test_a_position_between_epochs_is_written_once(tmp_path):
    images, labels = data(16)
    common = {"layers": "conv2", "schedule": tbviz.every(batches=2)}
    callbacks = [
        tbviz.ActivationGrid(tmp_path, images[:1], **common),
        tbviz.LayerHealth(tmp_path, images[:1], **common),
        tbviz.ActivationGrid(tmp_path, images[:1], layers="conv1"),
    ]
    cached_model().fit(images, labels, 4, 1, verbose=0, callbacks=callbacks)
    for kind in ("metrics", "predictions", "cost"):
        assert [meta.get("batch") for meta in metas(tmp_path, kind)] == [2, 4, None], kind
    assert [meta.get("batch") for meta in metas(tmp_path, "health")] == [2, 4, None]


def test_minutes_in_a_real_fit(tmp_path, monkeypatch):
    now = iter(np.arange(0.0, 1e6, 40.0))  # each reading of the clock is 40 seconds later
    monkeypatch.setattr(session, "clock", lambda: next(now))
    found = fit(tmp_path, tbviz.every(minutes=1), epochs=1)
    assert found == [(0, 2, False), (0, 4, False), (0, None, False)]


def test_a_schedule_that_raises_is_reported_and_training_goes_on(tmp_path, messages):
    def failing(epoch):
        raise ValueError(f"no idea about epoch {epoch}")

    assert fit(tmp_path, failing) == at_ends(0, 3)
    assert len(messages()) == 1
    assert "ActivationGrid: ValueError: no idea about epoch 0" in messages()[0]


def stopping(**settings):
    settings = {"monitor": "loss", "min_delta": 1e9, "patience": 2, **settings}
    return keras.callbacks.EarlyStopping(**settings)


def test_early_stopping_before_us_is_seen(tmp_path):
    found = fit(tmp_path, tbviz.every(epochs=7), before=[stopping()], epochs=9)
    assert found == at_ends(0, 2)


def test_early_stopping_behind_us_leaves_a_final_position(tmp_path):
    found = fit(tmp_path, tbviz.every(epochs=7), stopping(), epochs=9)
    assert found == [*at_ends(0), (2, None, True)]


@pytest.mark.parametrize("behind", [False, True])
def test_nothing_is_final_where_nothing_changed(tmp_path, behind):
    order = {"before": [stopping()]} if not behind else {}
    others = [stopping()] if behind else []
    assert fit(tmp_path, "epoch", *others, epochs=9, **order) == at_ends(0, 1, 2)


def test_restored_weights_are_a_final_position(tmp_path):
    best = stopping(restore_best_weights=True)
    found = fit(tmp_path, "epoch", before=[best], epochs=9)
    assert found == [*at_ends(0, 1, 2), (2, None, True)]
    first, half = tiles(tmp_path, "activations", "conv2", 0)
    last, _ = tiles(tmp_path, "activations", "conv2", 3)
    assert np.all(np.abs(first - last) <= 2 * half)  # the first epoch's weights were the best


def test_averaged_weights_are_a_final_position(tmp_path):
    images, labels = data(16)
    model = sequential()
    average = keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9)
    model.compile(average, "sparse_categorical_crossentropy")
    grid = tbviz.ActivationGrid(tmp_path, images[:1], layers="conv2")
    model.fit(images, labels, 4, 2, verbose=0, callbacks=[grid])
    assert captured_positions(tmp_path) == [*at_ends(0, 1), (1, None, True)]
