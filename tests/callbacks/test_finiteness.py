"""Since when weights and metrics are not finite: first layer, first position, each onset."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from callbacks.nets import K, compiled, data, metas, notices

import tbviz
from tbviz.callbacks.run.finiteness import FinitenessLog
from tbviz.store.format.events import key_of
from tbviz.store.format.schema import FitPosition
from tbviz.taps.weight_finiteness import INFINITE, NAN, Weight, WeightFaults

NAMES = ("a", "b", "c", "d")
NOTHING = SimpleNamespace()


class Notices:
    """Keeps notices as a log that is bound to all callbacks does: one key once."""

    def __init__(self):
        self.texts, self.levels, self.layers, self.events, self._keys = [], [], [], [], set()

    def notice(
        self, text, remedy=None, layer=None, level="warning", *, event, rule=None, detail=()
    ):
        key = key_of(event, "tbviz", layer, rule, detail)
        if key not in self._keys:
            self._keys.add(key)
            self.texts.append(text)
            self.levels.append(level)
            self.layers.append(layer)
            self.events.append(event)


def faults(**codes):
    weights = [Weight(NOTHING, name, only_nan=False) for name in NAMES]
    return WeightFaults.from_codes(weights, [codes.get(name, 0) for name in NAMES])


@pytest.fixture
def seen():
    return Notices()


@pytest.fixture
def log(seen):
    return FinitenessLog(seen)


def by_epoch(log, *states):
    for epoch, codes in enumerate(states):
        log.update(faults(**codes), FitPosition(epoch))


def advised(log):
    [advice] = log.advice()
    return advice.layer, advice.text


def test_another_kind_of_fault_is_no_new_onset(log, seen):
    by_epoch(log, {"a": INFINITE}, {"a": INFINITE, "b": NAN}, {"a": NAN, "b": NAN})
    assert advised(log) == (
        "a",
        "Weights of a became infinite at epoch 0 and NaN at epoch 2, those of b later",
    )
    assert (
        log.cause(-1) == "the weights of a have been infinite since epoch 0 and NaN since epoch 2"
    )
    assert seen.texts == [
        "Weights of a became infinite at epoch 0",
        "Weights of b became NaN at epoch 1",
    ]
    assert seen.layers == ["a", "b"]


def test_the_first_layer_is_the_one_with_the_earliest_onset(log):
    by_epoch(log, {}, {"d": NAN}, {"b": NAN, "c": NAN, "d": NAN}, dict.fromkeys(NAMES, NAN))
    text = "Weights of d became NaN at epoch 1, those of b and 2 more layers later"
    assert advised(log) == ("d", text)
    assert log.cause(-1) == "the weights of d have been NaN since epoch 1"


def test_two_kinds_at_one_position(log, seen):
    by_epoch(log, {}, {"b": INFINITE, "c": NAN, "d": NAN})
    text = "Weights of b became infinite at epoch 1, those of c and 1 more layer NaN as well"
    assert seen.texts == [text]
    assert advised(log) == ("b", text)


def test_each_onset_and_each_recovery_is_said(log, seen):
    by_epoch(log, {"a": NAN}, {}, {"a": NAN, "c": NAN}, {"a": NAN, "c": NAN}, {"c": NAN}, {})
    assert seen.texts == [
        "Weights of a became NaN at epoch 0",
        "all weights are finite again at epoch 1",
        "Weights of a and 1 more layer became NaN at epoch 2",
        "all weights are finite again at epoch 5",
    ]
    assert seen.levels == ["warning", "info"] * 2
    assert seen.events == ["weights_not_finite", "weights_finite_again"] * 2
    assert log.advice() == []
    assert log.cause(-1) is None


def test_a_fault_that_lasts_is_said_once(log, seen):
    by_epoch(log, *[{"b": NAN}] * 500)
    assert seen.texts == ["Weights of b became NaN at epoch 0"]


def test_weights_that_flip_for_ever_are_said_a_few_times(log, seen):
    by_epoch(log, *([{"b": NAN}, {}] * 500), {"b": NAN, "c": NAN})
    assert len(seen.texts) == 3 + 3 + 1 + 1
    [goes_on] = [text for text in seen.texts if "keep becoming" in text]
    assert goes_on == (
        "weights keep becoming NaN or infinite; repeats are no longer reported from epoch 6 on"
    )
    assert seen.texts[-1] == "Weights of c became NaN at epoch 1000"


def test_metrics_are_said_at_each_onset(log, seen):
    for epoch in range(6):
        log.check_metrics({"loss": np.nan if epoch % 2 else 1.0, "acc": 0.5}, FitPosition(epoch))
    assert seen.texts == [f"loss became NaN at epoch {epoch}" for epoch in (1, 3, 5)]


def test_a_metric_that_is_absent_has_not_recovered(log, seen):
    for epoch in range(6):
        values = {"loss": 1.0} | ({"val_loss": np.inf} if epoch % 2 else {})
        log.check_metrics(values, FitPosition(epoch))
    assert seen.texts == ["val_loss became infinite at epoch 1"]


def test_metrics_that_flip_for_ever_are_said_a_few_times(log, seen):
    for epoch in range(1000):
        value = (1.0, np.nan, np.inf)[epoch % 3]
        values = {f"m{number}": value for number in range(epoch % 5, 60, 7)}
        log.check_metrics({"loss": value, **values}, FitPosition(epoch))
    assert len(seen.texts) <= 70
    assert sum("keep becoming" in text for text in seen.texts) == 1


@pytest.mark.parametrize(
    ("before", "at", "step", "text"),
    [
        (None, FitPosition(0, 8), 8, "were NaN by epoch 0, batch 8"),
        (None, FitPosition(0, 1), 1, "became NaN at epoch 0, batch 1"),
        (None, FitPosition(0), 9, "became NaN at epoch 0"),
        (None, FitPosition(3), 9, "were NaN by epoch 3"),
        ((FitPosition(0, 4), 4), FitPosition(0, 8), 8,
         "became NaN between epoch 0, batch 4 and epoch 0, batch 8"),
        ((FitPosition(0, 7), 7), FitPosition(0, 8), 8, "became NaN at epoch 0, batch 8"),
        ((FitPosition(0, 8), 8), FitPosition(0), 10, "became NaN at epoch 0"),
        ((FitPosition(0, 8), 8), FitPosition(1), 20,
         "became NaN between epoch 0, batch 8 and epoch 1"),
        ((FitPosition(0), 10), FitPosition(1, 11), 11, "became NaN at epoch 1, batch 11"),
        ((FitPosition(0), 10), FitPosition(1, 12), 12,
         "became NaN between the end of epoch 0 and epoch 1, batch 12"),
        ((FitPosition(0), 10), FitPosition(1), 20, "became NaN at epoch 1"),
        ((FitPosition(0), 10), FitPosition(3), 40, "became NaN between epoch 0 and epoch 3"),
        ((FitPosition(1), 20), FitPosition(1, final=True), 20, "became NaN at the end of epoch 1"),
    ],
)  # fmt: skip
def test_it_names_the_position_if_the_one_before_was_checked(log, seen, before, at, step, text):
    if before:
        log.update(faults(), *before)
    log.update(faults(c=NAN), at, step)
    assert seen.texts == [f"Weights of c {text}"]


class Spoils(keras.callbacks.Callback):
    def __init__(self, batch):
        super().__init__()
        self.batch = batch

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.batch:
            kernel = self.model.get_layer("first").kernel
            kernel.assign(keras.ops.full_like(kernel, np.nan))


@pytest.mark.parametrize(
    ("every", "spoiled", "text"),
    [(4, 5, "between epoch 0, batch 4 and epoch 0, batch 8"), (1, 5, "at epoch 0, batch 5"),
     (4, 9, "at epoch 0")],
)  # fmt: skip
def test_a_fit_that_is_checked_at_batches(tmp_path, every, spoiled, text):
    x, y = data(20)
    stack = [keras.Input(x.shape[1:]), K.Conv2D(2, 3, name="first"), K.Flatten(), K.Dense(3)]
    model = compiled(keras.Sequential(stack), rate=0.0)
    schedule = tbviz.every(batches=every)
    ours = tbviz.LayerHealth(tmp_path, x[:2], layers="first", schedule=schedule, strict=True)
    spoils = Spoils(spoiled)
    model.fit(x, y, 2, 1, shuffle=False, verbose=0, callbacks=[spoils, ours])
    texts = [one["text"] for one in notices(tmp_path) if "Weights" in one["text"]]
    assert texts[0].endswith(f"became NaN {text}")
    assert metas(tmp_path, "health")[-1]["advice"][0]["text"].startswith(texts[0])
