"""Finiteness is judged from the weights: numbers by hand, on any backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from backends.nets import array
from callbacks.nets import data, metas, notices
from keras import layers

import tbviz
from tbviz.errors import TbvizError
from tbviz.methods import activations, grad_cam, health, maximize_filters, saliency_maps
from tbviz.methods.maximization.settings import Ascent
from tbviz.taps.inspector import inspector_for
from tbviz.taps.weight_finiteness import INFINITE, NAN

X = np.random.default_rng(0).random((2, 8, 8, 1)).astype(np.float32)


def branches(dtype=None):
    """Two branches: left is `a`, `b`; right is `c`, of which two of three channels are dead."""
    keras.utils.set_random_seed(2)
    image = keras.Input((8, 8, 1), name="image")
    left = layers.Conv2D(3, 3, padding="same", activation="relu", name="a", dtype=dtype)(image)
    left = layers.Conv2D(3, 3, padding="same", activation="relu", name="b", dtype=dtype)(left)
    bias = keras.initializers.Constant([-9.0, 9.0, -9.0])
    right = layers.Conv2D(
        3, 3, padding="same", activation="relu", name="c", bias_initializer=bias, dtype=dtype
    )(image)
    both = layers.Add(name="add")([left, right])
    both = layers.Conv2D(2, 1, activation="relu", name="d", dtype=dtype)(both)
    out = layers.Dense(2, activation="softmax", name="classes")(
        layers.GlobalAveragePooling2D(name="average")(both)
    )
    return keras.Model(image, out)


def spoil(model, layer, value, variable=0, index=...):
    weight = model.get_layer(layer).weights[variable]
    values = np.array(array(weight).astype(np.float32))
    values[index] = value
    weight.assign(values)


def codes(model):
    return inspector_for(model).faults.layers()


NAMES = ["a", "b", "c", "add", "d"]


@pytest.mark.parametrize("dtype", [None, "float16", "bfloat16"])
def test_what_depends_on_nan_weights_is_nan_and_a_branch_beside_it_is_not(dtype):
    model = branches(dtype)
    before = health(model, X, layers=NAMES)
    spoil(model, "a", np.nan)
    found = health(model, X, layers=NAMES)
    for name in ("a", "b", "add", "d"):
        numbers = found[name].numbers
        assert (numbers["nonfinite"], numbers["nan"], numbers["dead"]) == (1, 1, 0)
        assert np.isnan(numbers["mean"])
        assert not found[name].dead.any()
    assert found["c"].numbers["dead"] == before["c"].numbers["dead"] == 2
    assert found["c"].numbers["nonfinite"] == 0
    faults = {name: found[name].numbers["weight_fault"] for name in NAMES}
    assert faults["a"] == NAN
    assert faults["b"] == faults["c"] == faults["d"] == 0
    assert np.isnan(faults["add"])  # it has no weights
    assert codes(model) == {"a": NAN}


def test_infinity_and_nan_are_distinguished_and_both_can_be_repaired():
    model = branches()
    good = array(model.get_layer("d").kernel).copy()
    spoil(model, "d", np.inf, index=(0, 0, 0, 1))
    assert codes(model) == {"d": INFINITE}
    # One weight, of the second channel: the first one is as good as ever.
    maps = activations(model, X, layers=["c", "d"])
    assert np.isfinite(maps["c"]).all()
    assert np.isfinite(maps["d"][..., 0]).all()
    assert np.isnan(maps["d"][..., 1]).all()
    spoil(model, "d", np.nan, index=(0, 0, 0, 1))
    assert codes(model) == {"d": NAN}
    model.get_layer("d").kernel.assign(good)
    assert codes(model) == {}
    assert np.isfinite(activations(model, X, layers="d")["d"]).all()


def test_a_moving_statistic_counts_and_the_optimizer_does_not():
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.ReLU(name="relu"),
            layers.GlobalAveragePooling2D(),
            layers.Dense(2, name="classes"),
        ]
    )
    model.compile(keras.optimizers.SGD(0.1, momentum=0.9), "mse")
    model.optimizer.build(model.trainable_variables)
    for variable in model.optimizer.variables:
        if variable.shape:
            variable.assign(np.full(variable.shape, np.nan, np.float32))
    assert codes(model) == {}
    assert np.isfinite(activations(model, X, layers="relu")["relu"]).all()
    spoil(model, "norm", np.inf, variable=3)  # the moving variance: on paper the output is `beta`
    assert codes(model) == {"norm": INFINITE}
    found = activations(model, X, layers=["conv", "norm", "relu"])
    finite = {name: bool(np.isfinite(maps).all()) for name, maps in found.items()}
    assert finite == {"conv": True, "norm": False, "relu": False}


class Tower(keras.Model):
    """Subclassed: what is added up between layers is nobody's output."""

    def __init__(self):
        super().__init__()
        self.first = layers.Conv2D(2, 3, padding="same", activation="relu", name="first")
        self.second = layers.Conv2D(2, 3, padding="same", activation="relu", name="second")
        self.third = layers.Conv2D(2, 3, padding="same", activation="relu", name="third")
        self.unused = layers.Dense(3, name="unused")
        self.unused.build((None, 4))
        self.average = layers.GlobalAveragePooling2D(name="average")
        self.classes = layers.Dense(2, name="classes")

    def call(self, values):
        first, second = self.first(values), self.second(values)
        return self.classes(self.average(self.third(first + 2 * second)))


def test_a_subclassed_model_by_the_order_in_which_it_computes():
    model = Tower()
    model(X)
    spoil(model, "second", np.nan)
    found = activations(model, X, layers=["first", "second", "third"])
    assert np.isfinite(found["first"]).all()
    assert np.isnan(found["second"]).all()
    assert np.isnan(found["third"]).all()  # of the sum
    assert np.isnan(grad_cam(model, X, targets=0).maps).all()


def test_an_unused_layer_is_named_and_spoils_nothing():
    model = Tower()
    model(X)
    spoil(model, "unused", np.nan)
    assert codes(model) == {"unused": NAN}
    found = grad_cam(model, X, targets=0)
    assert np.isfinite(found.maps).all()
    assert all("not finite" not in (note or "") for note in found.notes)
    assert np.isfinite(activations(model, X, layers="third")["third"]).all()


def test_inside_a_model_and_after_it():
    inner = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(2, 3, activation="relu", name="early"),
            layers.Conv2D(2, 3, activation="relu", name="late"),
        ],
        name="inner",
    )
    image = keras.Input((8, 8, 1))
    values = layers.Conv2D(2, 1, activation="relu", name="behind")(inner(image))
    values = layers.GlobalAveragePooling2D()(values)
    model = keras.Model(image, layers.Dense(2)(values))
    spoil(inner, "late", np.nan)
    assert codes(model) == {"inner/late": NAN}
    found = activations(model, X, layers=["inner/early", "inner/late", "behind"])
    finite = {name: bool(np.isfinite(maps).all()) for name, maps in found.items()}
    assert finite == {"inner/early": True, "inner/late": False, "behind": False}


class Masked(layers.Layer):
    """Holds minus infinity on purpose, as a causal mask does, and whole numbers."""

    def build(self, shape):
        mask = np.triu(np.full((8, 8), -np.inf, np.float32), 1)
        self.mask = self.add_weight(
            shape=(8, 8), initializer=keras.initializers.Constant(mask), trainable=False
        )
        self.count = self.add_weight(shape=(), initializer="ones", dtype="int32", trainable=False)

    def call(self, values):
        return values * keras.ops.softmax(self.mask)[None, :, :, None]


def test_intended_infinity_is_no_fault():
    model = keras.Sequential([keras.Input((8, 8, 1)), Masked(name="masked"), layers.Flatten()])
    assert codes(model) == {}
    assert np.isfinite(activations(model, X, layers="masked")["masked"]).all()
    spoil(model, "masked", np.nan)
    assert codes(model) == {"masked": NAN}


def test_all_explanations_are_nan_with_the_reason():
    model = branches()
    spoil(model, "b", np.nan)
    why = "the weights of b are NaN"
    for method in ("grad-cam", "eigen-cam", "score-cam", "layercam"):
        found = grad_cam(model, X, targets=0, layers="d", method=method)
        assert np.isnan(found.maps).all(), method
        assert all(why in note for note in found.notes)
        assert np.isnan(found.scores).all()
        assert np.isnan(found.probabilities).all()
    for method in ("gradients", "integrated-gradients", "occlusion", "guided-grad-cam"):
        found = saliency_maps(model, X, targets=0, method=method)
        assert np.isnan(found.maps).all(), method
        assert all(why in note for note in found.notes)
    with pytest.raises(TbvizError, match=f"'d' is NaN or infinite for every image: {why}"):
        maximize_filters(model, layers="d", filters=1, images=X, ascent=Ascent(steps=2))
    assert np.isfinite(
        maximize_filters(model, layers="c", filters=[1], images=X, ascent=Ascent(steps=2))[
            "c"
        ].after
    ).all()


def compiled(model, rate=0.01, loss="sparse_categorical_crossentropy"):
    model.compile(keras.optimizers.SGD(rate), loss)
    return model


class Spoils(keras.callbacks.Callback):
    def __init__(self, epoch, layer, value):
        super().__init__()
        self.epoch, self.layer, self.value = epoch, layer, value

    def on_epoch_end(self, epoch, logs=None):
        if epoch == self.epoch:
            spoil(self.model, self.layer, self.value)


@pytest.mark.parametrize(("value", "word"), [(np.nan, "NaN"), (np.inf, "infinite")])
def test_a_fit_reports_it_once_with_layer_and_epoch(tmp_path, value, word):
    x, y = data(8)
    model = compiled(branches(), 0.0)
    ours = [
        tbviz.LayerHealth(tmp_path, x[:2], layers=NAMES, strict=True),
        tbviz.ActivationGrid(tmp_path, x[:2], layers=["b", "c"], overview=False, strict=True),
    ]
    model.fit(x, y % 2, 8, 4, verbose=0, callbacks=[Spoils(2, "a", value), *ours])
    text = f"Weights of a became {word} at epoch 2"
    texts = [notice for notice in notices(tmp_path, "warning") if "Weights" in notice["text"]]
    assert texts[0]["text"] == text
    assert (texts[0]["layer"], texts[0]["epoch"]) == ("a", 2)
    records = metas(tmp_path, "health")
    assert [meta["layers"]["b"]["nan"] for meta in records[:3]] == [0, 0, 1]
    assert [meta["layers"]["b"]["dead"] for meta in records][2] == 0
    assert records[2]["layers"]["c"]["dead"] == 2
    assert [meta["layers"]["a"]["weight_fault"] for meta in records[:3]] == [
        0,
        0,
        NAN if word == "NaN" else INFINITE,
    ]
    [first, *others] = records[2]["advice"]
    assert (first["layer"], first["rule"]) == ("a", "weights-nonfinite")
    assert first["text"].startswith(text)
    assert all(one["layer"] == "c" for one in others)


def test_a_loss_that_is_infinite_with_finite_weights(tmp_path):
    x, _ = data(8)
    model = compiled(branches(), 0.0, "mse")
    ours = tbviz.LayerHealth(tmp_path, x[:2], layers=NAMES, strict=True)
    model.fit(x, np.full((8, 2), 1e30, np.float32), 8, 2, verbose=0, callbacks=[ours])
    texts = [notice["text"] for notice in notices(tmp_path, "warning")]
    assert texts[0] == "loss became infinite at epoch 0"
    assert not any("Weights" in text for text in texts)
    assert all(meta["layers"]["a"]["nonfinite"] == 0 for meta in metas(tmp_path, "health"))


def test_rare_snapshots_name_the_two_epochs_between_them(tmp_path):
    x, y = data(8)
    model = compiled(branches(), 0.0)
    ours = tbviz.LayerHealth(
        tmp_path, x[:2], layers=NAMES, schedule=tbviz.every(epochs=3), strict=True
    )
    model.fit(x, y % 2, 8, 5, verbose=0, callbacks=[Spoils(1, "a", np.nan), ours])
    texts = [n["text"] for n in notices(tmp_path, "warning") if "Weights" in n["text"]]
    [found] = texts
    assert (
        "became NaN between epoch 0 and epoch 3" in found or "between epoch 0 and epoch 2" in found
    )


def test_the_check_is_compiled_once_and_leaves_the_weights_alone():
    model = branches()
    before = [array(one).tobytes() for one in model.variables]
    inspector = inspector_for(model)
    assert not inspector.faults
    seconds = inspector.compile_seconds
    for _ in range(3):
        assert not inspector_for(model).faults
    assert inspector.compile_seconds == seconds
    assert [array(one).tobytes() for one in model.variables] == before
