"""Numbers of weights, and advice, in a real fit."""

from __future__ import annotations

import itertools

import keras
import numpy as np
import pytest
from callbacks.nets import CLASSES, SIDE, K, compiled, data, metas, notices

from tbviz.callbacks.layer_health import LayerHealth
from tbviz.methods.layer_health.thresholds import Thresholds
from tbviz.store.format.schema import HEALTH_NUMBERS
from tbviz.store.read.reader import open_reader

EPOCHS = 4


class Weights(keras.callbacks.Callback):
    """All weights of a layer, end to end, at each epoch's end."""

    def __init__(self, name):
        super().__init__()
        self.name, self.seen = name, []

    def on_epoch_end(self, epoch, logs=None):
        weights = self.model.get_layer(self.name).get_weights()
        self.seen.append(np.concatenate([weight.reshape(-1) for weight in weights]))


def net(rate=0.1):
    """A convolution whose filters 0 and 1 are dead behind a ReLU, and one that is saturated."""
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((SIDE, SIDE, 1)),
        K.Rescaling(1.0, name="scale"),
        K.Conv2D(4, 3, name="conv"),
        K.ReLU(name="relu"),
        K.MaxPooling2D(name="pool"),
        K.Conv2D(3, 1, activation="sigmoid", name="bounded"),
        K.GlobalAveragePooling2D(),
        K.Dense(CLASSES, activation="softmax"),
    ]
    model = compiled(keras.Sequential(stack), rate=rate, run_eagerly=True)
    kernel, bias = model.get_layer("conv").get_weights()
    bias[:] = [-100, -100, 0.1, 0.1]
    model.get_layer("conv").set_weights([np.abs(kernel), bias])
    bounded = model.get_layer("bounded")
    bounded.set_weights([np.zeros((1, 1, 4, 3)), np.array([50.0, -50.0, 0.0])])
    return model


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("health")
    x, y = data(16)
    weights = Weights("conv")
    limits = Thresholds(window=3, dead=0.5, duplicates=1.0, similarity=1.0, still=0.0)
    layers = ["scale", "conv", "relu", "pool", "bounded"]
    health = LayerHealth(log_dir, x[:4], layers=layers, thresholds=limits, strict=True)
    net().fit(x, y, 8, EPOCHS, verbose=0, callbacks=[weights, health])
    return log_dir, weights.seen


def numbers(log_dir, layer, name):
    return [meta["layers"][layer][name] for meta in metas(log_dir, "health")]


def test_norms_are_those_of_the_weights(run):
    log_dir, seen = run
    expected = [np.linalg.norm(weights) for weights in seen]
    assert numbers(log_dir, "conv", "weight_norm") == pytest.approx(expected, rel=1e-5)
    first, *updates = numbers(log_dir, "conv", "weight_update")
    assert first == "NaN"
    expected = [
        np.linalg.norm(now - then) / np.linalg.norm(then) for then, now in itertools.pairwise(seen)
    ]
    assert updates == pytest.approx(expected, rel=1e-4)
    assert numbers(log_dir, "relu", "weight_norm") == ["NaN"] * EPOCHS
    assert numbers(log_dir, "pool", "weight_update") == ["NaN"] * EPOCHS


def test_counts_of_channels(run):
    assert numbers(run[0], "relu", "dead") == [2] * EPOCHS
    assert numbers(run[0], "bounded", "saturated") == [2.0] * EPOCHS
    assert numbers(run[0], "conv", "saturated") == [0.0] * EPOCHS
    assert numbers(run[0], "conv", "nonfinite") == [0.0] * EPOCHS


def test_advice_is_recorded_while_it_holds_and_reported_once(run):
    advice = [meta.get("advice") for meta in metas(run[0], "health")]
    assert advice[:2] == [None, None]
    dead = "2 of 4 channels of relu have been dead for 3 epochs"
    bound = "2 of 3 channels of bounded have been saturated for 3 epochs"
    for held in advice[2:]:
        assert [(one["layer"], one["rule"]) for one in held] == [
            ("relu", "dead"),
            ("bounded", "saturated"),
        ]
        assert [one["text"].split("; ")[0] for one in held] == [dead, bound]
    messages = [n for n in notices(run[0]) if n["method"] == "LayerHealth"]
    assert [(n["layer"], n["text"], n["epoch"]) for n in messages] == [
        ("relu", dead, 2),
        ("bounded", bound, 2),
    ]
    assert all(n["remedy"] for n in messages)


def test_the_store_gives_advice_back(run):
    [segment] = open_reader(run[0]).segments
    advice = segment.health.advice
    assert set(advice) == {("relu", "dead"), ("bounded", "saturated")}
    [(ordinal, text)] = advice["relu", "dead"]
    assert ordinal == 2
    assert text.startswith("2 of 4 channels of relu")
    numbers = segment.health.numbers("bounded", 0, EPOCHS)
    assert numbers[:, HEALTH_NUMBERS.index("saturated")].tolist() == [2.0] * EPOCHS


def test_nan_is_reported_at_once_for_the_first_layer_that_has_it(tmp_path):
    class SetsNan(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                kernel = self.model.get_layer("conv").kernel
                kernel.assign(keras.ops.full_like(kernel, np.nan))

    x, y = data(8)
    health = LayerHealth(tmp_path, x[:2], layers=["scale", "conv"], strict=True)
    net().fit(x, y, 8, 3, verbose=0, callbacks=[SetsNan(), health])
    text = "Weights of conv became NaN at epoch 1"
    before, *after = metas(tmp_path, "health")
    assert "advice" not in before
    for meta in after:
        [one] = meta["advice"]
        assert (one["layer"], one["rule"]) == ("conv", "weights-nonfinite")
        assert one["text"].startswith(text)
    assert text in [notice["text"] for notice in notices(tmp_path, "warning")]
    assert numbers(tmp_path, "conv", "nonfinite") == [0.0, 1.0, 1.0]
    assert numbers(tmp_path, "scale", "nonfinite") == [0.0] * 3


def test_an_untrained_network_gets_no_advice_in_its_first_epochs(tmp_path):
    keras.utils.set_random_seed(1)
    stack = [keras.Input((SIDE, SIDE, 1)), K.Rescaling(2.0)]
    for index in range(2):
        stack += [
            K.Conv2D(8, 3, padding="same", name=f"c{index}"),
            K.BatchNormalization(),
            K.ReLU(),
        ]
    stack += [K.GlobalAveragePooling2D(), K.Dropout(0.5), K.Dense(CLASSES, activation="softmax")]
    model = compiled(keras.Sequential(stack), run_eagerly=True)
    x, y = data(8)
    everything = lambda layer: not isinstance(layer, keras.Model)  # noqa: E731 - a filter
    health = LayerHealth(tmp_path, x[:2], layers=everything, strict=True)
    model.fit(x, y, 8, 5, verbose=0, callbacks=[health])
    assert [meta["advice"] for meta in metas(tmp_path, "health") if "advice" in meta] == []


def test_a_second_fit_begins_without_advice(tmp_path):
    x, y = data(8)
    model = net()
    limits = Thresholds(window=2, dead=0.5)
    health = LayerHealth(tmp_path, x[:2], layers="relu", thresholds=limits, strict=True)
    for _ in range(2):
        model.fit(x, y, 8, 2, verbose=0, callbacks=[health])
    advised = ["advice" in meta for meta in metas(tmp_path, "health")]
    assert advised == [False, True, False, True]
    assert numbers(tmp_path, "relu", "weight_update")[2] == "NaN"
