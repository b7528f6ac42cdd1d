"""What is not finite spreads as far as it can and no further: numbers by hand, on any backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from backends.nets import array
from keras import layers, ops

from tbviz.methods import activations, health
from tbviz.scores.recording import record
from tbviz.taps.inspector import inspector_for
from tbviz.taps.weight_finiteness import INFINITE, NAN

X = np.random.default_rng(0).random((2, 8, 8, 3)).astype(np.float32)


def spoil(layer, value, variable=0, index=...):
    weight = layer.weights[variable]
    values = np.array(array(weight).astype(np.float32))
    values[index] = value
    weight.assign(values)


def net(*middle):
    return keras.Sequential([keras.Input((8, 8, 3)), *middle, layers.Flatten(), layers.Dense(2)])


def codes(model):
    return inspector_for(model).faults.layers()


def shares(model, *names):
    found = health(model, X, layers=list(names))
    return [found[name].numbers["nonfinite"] for name in names]


class MyConv(layers.Conv2D):
    pass


class MyNorm(layers.BatchNormalization):
    """Adds a mask beside the statistics of Keras."""

    def build(self, shape):
        super().build(shape)
        self.limit = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(np.inf), trainable=False
        )


class Scaled(layers.Layer):
    """Trains its scale, unless frozen."""

    def build(self, shape):
        self.scale = self.add_weight(shape=(3,), initializer="ones")

    def call(self, values):
        return values * self.scale


def test_a_frozen_layer_of_a_users_class_has_no_intended_infinity_in_what_keras_made():
    model = net(MyConv(4, 3, activation="relu", name="conv"))
    conv = model.get_layer("conv")
    conv.trainable = False
    spoil(conv, np.inf)
    spoil(conv, -np.inf, index=(slice(None), slice(None), 0))
    numbers = health(model, X, layers=["conv"])["conv"].numbers
    assert (numbers["weight_fault"], numbers["nonfinite"], numbers["dead"]) == (INFINITE, 1, 0)


def test_statistics_of_a_users_class_count_and_the_mask_beside_them_does_not():
    model = net(MyNorm(name="norm"))
    assert codes(model) == {}
    spoil(model.get_layer("norm"), np.inf, variable=3)
    assert codes(model) == {"norm": INFINITE}


def test_what_a_users_layer_trains_counts_even_frozen():
    model = net(Scaled(name="scaled"))
    model.trainable = False
    spoil(model.get_layer("scaled"), np.inf, index=1)
    assert codes(model) == {"scaled": INFINITE}


def plain(value):
    """Return a variable of the backend's own and a module that holds another one."""
    if keras.backend.backend() == "torch":
        import torch

        class Holder(torch.nn.Module):
            def __init__(self, number):
                super().__init__()
                self.inner = torch.nn.Module()
                self.inner.register_buffer("held", torch.tensor(number))

        return torch.nn.Parameter(torch.tensor(value)), Holder(value)
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        class Module(tf.Module):
            def __init__(self, number):
                super().__init__()
                self.inner = {"held": [tf.Variable(number)]}
                self.itself = self

        return tf.Variable(value), Module(value)
    return pytest.skip("JAX has no variables of its own")


@pytest.mark.parametrize("held_in", ["attribute", "list", "dict", "nested", "module", "modules"])
@pytest.mark.parametrize("value", [1.0, np.nan])
def test_the_backends_own_variables_in_containers_and_modules(held_in, value):
    variable, module = plain(value)

    class Holds(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.held = {
                "attribute": variable,
                "list": [variable],
                "dict": {"one": variable},
                "nested": {"one": [(variable,)]},
                "module": module,
                "modules": [{"one": module}],
            }[held_in]

        def call(self, values):
            return values * 1.0

    model = net(Holds(name="holds"))
    assert codes(model) in ({}, {"holds": NAN}, {"holds/torch_module_wrapper": NAN})
    assert bool(codes(model)) == bool(np.isnan(value))


@pytest.mark.parametrize(
    ("activation", "share"),
    [
        (lambda values: 1.0 * ops.softmax(values), 1),
        (lambda values: values - ops.mean(values, -1, keepdims=True), 1),
        ("softmax", 1),
        ("sparsemax", 1),
        ("relu", 0.25),
        ("gelu", 0.25),
        (ops.tanh, 0.25),
        (None, 0.25),
        (layers.LeakyReLU(), 0.25),
        (layers.Softmax(), 1),
    ],
)
def test_only_known_activations_keep_channels_apart(activation, share):
    model = net(layers.Conv2D(4, 3, activation=activation, name="conv"))
    spoil(model.get_layer("conv"), np.nan, variable=1, index=2)
    numbers = health(model, X, layers=["conv"])["conv"].numbers
    assert numbers["nonfinite"] == share
    assert share < 1 or numbers["dead"] == 0


AFTER = {
    "relu": layers.ReLU,
    "activation": lambda name: layers.Activation("tanh", name=name),
    "norm": layers.BatchNormalization,
    "dropout": lambda name: layers.Dropout(0.5, name=name),
    "pool": lambda name: layers.MaxPooling2D(name=name),
    "average": layers.GlobalAveragePooling2D,
    "padding": lambda name: layers.ZeroPadding2D(name=name),
    "rescaling": lambda name: layers.Rescaling(2.0, name=name),
    "identity": lambda name: layers.Identity(name=name),
    "depthwise": lambda name: layers.DepthwiseConv2D(3, activation="relu", name=name),
    "inner": lambda name: keras.Sequential([layers.ReLU(), layers.ReLU()], name=name),
}


@pytest.mark.parametrize("kind", AFTER)
def test_layers_that_keep_channels_apart_keep_nan_in_its_channel(kind):
    after = AFTER[kind](name="after")
    model = net(layers.Conv2D(4, 3, name="conv"), after, layers.ReLU(name="last"))
    spoil(model.get_layer("conv"), np.nan, variable=1, index=2)
    maps = activations(model, X, layers=["conv", "after", "last"])
    for values in maps.values():
        assert np.isnan(values[..., 2]).all()
        assert np.isfinite(values[..., [0, 1, 3]]).all()


MIXES = {
    "conv": lambda name: layers.Conv2D(4, 3, name=name),
    "softmax": layers.Softmax,
    "activation": lambda name: layers.Activation("softmax", name=name),
    "own": lambda name: layers.Activation(lambda values: 1.0 * ops.softmax(values), name=name),
    "norm": layers.LayerNormalization,
    "depthwise": lambda name: layers.DepthwiseConv2D(3, activation=ops.softmax, name=name),
    "turned": lambda name: layers.Permute((3, 2, 1), name=name),
}


@pytest.mark.parametrize("kind", MIXES)
def test_layers_that_mix_channels_and_unknown_ones_spread_nan(kind):
    model = net(layers.Conv2D(4, 3, name="conv"), MIXES[kind](name="after"))
    spoil(model.get_layer("conv"), np.nan, variable=1, index=2)
    assert shares(model, "conv", "after") == [0.25, 1]


def test_one_statistic_that_is_nan_and_what_is_added_to_it():
    image = keras.Input((8, 8, 3))
    left = layers.BatchNormalization(name="norm")(layers.Conv2D(4, 3, name="conv")(image))
    left = layers.MaxPooling2D(name="pool")(layers.ReLU(name="relu")(left))
    right = layers.MaxPooling2D(name="other")(layers.Conv2D(4, 3, name="beside")(image))
    both = layers.ReLU(name="last")(layers.Add(name="add")([left, right]))
    model = keras.Model(image, layers.Dense(2)(layers.GlobalAveragePooling2D()(both)))
    spoil(model.get_layer("norm"), np.nan, variable=2, index=0)
    names = "conv", "norm", "relu", "pool", "other", "add", "last"
    assert shares(model, *names) == [0, 0.25, 0.25, 0.25, 0, 0.25, 0.25]
    spoil(model.get_layer("beside"), np.nan, variable=1, index=3)
    assert shares(model, *names) == [0, 0.25, 0.25, 0.25, 0.25, 0.5, 0.5]


def test_the_second_call_of_a_shared_layer_depends_on_the_first():
    image = keras.Input((8, 8, 4))
    shared = layers.Conv2D(4, 3, padding="same", activation="relu", name="shared")
    model = keras.Model(image, layers.Flatten()(shared(shared(image))))
    spoil(shared, np.nan, variable=1, index=1)
    found = health(model, np.ones((2, 8, 8, 4), np.float32), layers=["shared#0", "shared#1"])
    assert [one.numbers["nonfinite"] for one in found.values()] == [0.25, 1]


def test_one_depthwise_filter_that_is_nan():
    model = net(layers.DepthwiseConv2D(3, activation="relu", name="depthwise"))
    spoil(model.get_layer("depthwise"), np.nan, index=(0, 0, 1, 0))
    values = activations(model, X, layers="depthwise")["depthwise"]
    assert np.isnan(values[..., 1]).all()
    assert np.isfinite(values[..., [0, 2]]).all()


def test_a_row_of_an_embedding_that_no_input_uses_spoils_nothing():
    words = keras.Input((3,), dtype="int32")
    values = layers.Embedding(5, 2, name="embedding")(words)
    model = keras.Model(words, layers.Dense(2, name="classes")(layers.Flatten()(values)))
    spoil(model.get_layer("embedding"), np.nan, index=4)
    assert codes(model) == {"embedding": NAN}
    inspector = inspector_for(model)
    outputs = [inspector.model_outputs(WORDS).outputs["embedding"]]
    recorded = record(inspector, outputs, WORDS)
    assert np.isfinite(recorded.maps["embedding"]).all()
    assert np.isfinite(recorded.scores).all()
    used = WORDS.copy()
    used[1, 0] = 4
    scores = record(inspector, outputs, used).scores
    assert np.isfinite(scores[0]).all()
    assert np.isnan(scores[1]).all()


WORDS = np.array([[0, 1, 2], [3, 2, 1]], np.int32)


def test_layers_may_be_keys_of_what_keras_holds():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = keras.layers.Conv2D(2, 3), keras.layers.ReLU()

        def call(self, x):
            return self.second(self.first(x))

    model = Own()
    model.compile("sgd", "mse")
    model.fit(np.ones((2, 6, 6, 1)), np.ones((2, 4, 4, 2)), verbose=0)
    assert not inspector_for(model).faults
