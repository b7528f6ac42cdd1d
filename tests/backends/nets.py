"""Small networks that any backend runs, and a function that inspects them."""

from __future__ import annotations

import functools
import importlib

import keras
import numpy as np
from keras import layers, ops
from one_layer import class_gradients

from tbviz.scores.class_target import PREDICTED
from tbviz.scores.recording import record
from tbviz.taps import keras_private
from tbviz.taps.inspector import ModelInspector

BACKEND = keras.backend.backend()

X = np.random.default_rng(0).normal(size=(4, 6, 6, 2)).astype(np.float32)
Y = np.array([0, 1, 2, 0])


def small(activation="softmax"):
    model = keras.Sequential(
        [
            keras.Input((6, 6, 2)),
            layers.Conv2D(3, 3, activation="relu", name="conv"),
            layers.BatchNormalization(name="norm"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(3, activation=activation, name="classes"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy")
    model(X)  # Keras records the first call
    return model


def inspect_model(model, inspector=None, values=X):
    """Record the outputs of all layers, and a gradient in the first of them."""
    inspector = inspector or ModelInspector(model)
    outputs = list(inspector.model_outputs(values).outputs.values())
    recording = record(inspector, outputs, values)
    class_gradients(inspector, outputs[0], values, np.full(len(values), PREDICTED))
    return recording


def array(tensor):
    return keras.ops.convert_to_numpy(tensor)


def state(model):
    """Every number that a model holds, seeds and statistics included."""
    return [array(variable) for variable in model.variables]


def attributes(model):
    """Which object every attribute of every layer is."""
    return {
        (layer.name, name): (id(value), value)
        for layer in keras_private.all_layers(model)
        for name, value in vars(layer).items()
    }


def changed(before, model):
    after = attributes(model)
    keys = before.keys() | after.keys()
    return sorted(k for k in keys if before.get(k, (0,))[0] != after.get(k, (0,))[0])


def own_compiler():
    """What a user of this backend writes round a part of a model."""
    module = importlib.import_module(BACKEND)
    return {
        "tensorflow": lambda: module.function,
        "jax": lambda: module.jit,
        "torch": lambda: functools.partial(module.compile, backend="eager"),
    }[BACKEND]()


class Compiling(keras.Model):
    """A model that compiles part of itself; where the backend allows it, one with a state."""

    def __init__(self):
        super().__init__()
        self.conv = layers.Conv2D(3, 3, name="conv")
        self.flat = layers.Flatten()
        self.head = layers.Dense(3, name="head")
        self.seeds = keras.random.SeedGenerator(1)
        self.fast = own_compiler()(self.middle)
        self.conv.build((None, 6, 6, 2))
        self.head.build((None, 48))
        self.built = True

    def middle(self, values):
        values = self.conv(values)
        if BACKEND != "tensorflow":  # plain Keras itself fails with it on other backends
            return values
        return values + 0.1 * keras.random.normal(keras.ops.shape(values), seed=self.seeds)

    def call(self, values):
        return self.head(self.flat(self.fast(values)))


class Looping(layers.Layer):
    """A loop, which a compiled pass must not tap."""

    def __init__(self, turns):
        super().__init__()
        self.turns = turns
        self.inner = layers.Conv2D(2, 3, padding="same", name="inner")

    def build(self, shape):
        self.inner.build(shape)

    def call(self, values):
        return ops.fori_loop(0, self.turns, lambda _, value: self.inner(value), values)
