"""After a snapshot, and after `fit`, nothing of tbviz is left: on every backend."""

from __future__ import annotations

import functools
import gc
import importlib
import random
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
import pytest
from backends.everything import everything, kinds
from callbacks.nets import CLASSES, Draws, K, data, layers, metas, notices

import tbviz
from tbviz.taps import keras_private
from tbviz.taps.inspector import inspector_for

BACKEND = keras.backend.backend()


def all_callbacks(log_dir, **settings):
    return everything(log_dir, *data(2, seed=5), **settings)


def quick(log_dir):
    """What needs less compiling than all of them."""
    x, y = data(2, seed=5)
    return [
        tbviz.ActivationGrid(log_dir, x, strict=True),
        tbviz.GradCAM(log_dir, x, y, strict=True),
    ]


STEPS = []
"""Grows at each training step: where the step is compiled, each time that it is traced."""


class Own(keras.Model):
    """Subclassed, with a nested base, and all that draws or keeps state of its own."""

    def __init__(self):
        super().__init__(name="own")
        self.mirrored = K.RandomFlip("horizontal", seed=2)
        self.base = keras.Sequential(layers()[:5], name="base")
        self.normal = K.BatchNormalization()
        self.draws = Draws()
        self.average = K.GlobalAveragePooling2D()
        self.dropped = K.Dropout(0.3)
        self.dense = K.Dense(CLASSES, activation="softmax", activity_regularizer="l2")

    def train_step(self, *state_and_data):
        STEPS.append(self.name)
        return super().train_step(*state_and_data)

    def call(self, inputs, training=False):
        maps = self.normal(self.base(self.mirrored(inputs)), training=training)
        return self.dense(self.dropped(self.average(self.draws(maps)), training=training))


def made(**settings):
    keras.utils.set_random_seed(0)
    model = Own()
    model.compile(
        keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        **settings,
    )
    model(keras.Input((8, 8, 1)))
    return model


def fit(model, callbacks=(), epochs=2, count=16, **settings):
    x, y = data(count)
    return model.fit(x, y, 8, epochs, verbose=0, callbacks=list(callbacks), **settings).history


# What is on the model


def size(value):
    return len(value) if isinstance(value, list | tuple | dict | set) else None


def parts(model):
    """Every attribute of everything that belongs to a model: which object it is, and its size."""
    things = [*keras_private.all_layers(model), *model.variables, *model.optimizer.variables]
    things += [model.optimizer, *model.metrics]
    return {
        (type(thing).__name__, index, name): (id(value), size(value))
        for index, thing in enumerate(things)
        for name, value in vars(thing).items()
    }


def switches(model):
    """What a user or a backend can switch in each layer; torch's hooks and flags, too."""
    names = ("trainable", "built", "training", "supports_masking", "activation", "dtype_policy")
    hooks = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_modules", "_buffers")
    return [
        [
            *(getattr(layer, name, None) for name in names),
            *(list(getattr(layer, name, ())) for name in hooks),
        ]
        for layer in keras_private.all_layers(model)
    ]


def gradients(model):
    """torch keeps them on the parameters."""
    if BACKEND != "torch":
        return []
    return [
        (value.requires_grad, None if value.grad is None else value.grad.numpy().tobytes())
        for value in model.parameters()
    ]


def surroundings():
    """What belongs to the process."""
    module = keras_private.activation_module()
    compiling = importlib.import_module(BACKEND).config if BACKEND == "tensorflow" else None
    return (
        compiling and compiling.functions_run_eagerly(),
        keras.config.dtype_policy(),
        keras.config.floatx(),
        keras.config.image_data_format(),
        module.softmax,
        module.sigmoid,
        keras.layers.Layer.__call__,
    )


class Records(keras.callbacks.Callback):
    """Record all of that at the ends of epochs."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.traces = []

    def on_epoch_end(self, epoch, logs=None):
        model = self.model  # on JAX this puts training's state into the variables
        self.seen.append((parts(model), switches(model), gradients(model), surroundings()))
        self.traces.append(inspector_for(model).traces)


# Training


def number(name):
    last = name.rsplit("_", 1)[-1]
    return int(last) if last.isdecimal() else 0


def outcome(callbacks=(), run_eagerly=False, inside=None):
    """All that a fit leaves in the model and round it, with nothing that only one process knows.

    Weak references to the model go into the list `inside`.
    """
    model = made(run_eagerly=run_eagerly)
    if inside is not None:
        inside += [weakref.ref(model), weakref.ref(model.base)]
    before, steps = K.Dense(1).name, len(STEPS)
    history = fit(model, callbacks, epochs=3, count=32, validation_split=0.25)
    values = [*model.variables, *model.optimizer.variables]
    things = [*keras_private.all_layers(model), *model.variables, model.optimizer, *model.metrics]
    return {
        "history": history,
        "values": [keras.ops.convert_to_numpy(value).tobytes() for value in values],
        "draws": (random.random(), np.random.random(), float(keras.random.uniform(()))),
        "attributes": [(type(thing).__name__, sorted(vars(thing))) for thing in things],
        "switches": [
            [getattr(value, "__name__", getattr(value, "name", value)) for value in switched]
            for switched in switches(model)
        ],
        "gradients": gradients(model),
        "surroundings": surroundings(),
        "traced": len(STEPS) - steps,
        "names since": number(K.Dense(1).name) - number(before),
    }


@functools.cache
def plain(run_eagerly=False):
    if BACKEND != "tensorflow":
        # The first fit of a process may differ from all later ones.
        plain() if run_eagerly else outcome()
    return outcome(run_eagerly=run_eagerly)


class Inspected(NamedTuple):
    """What an inspected fit leaves, and what was recorded before and after each snapshot."""

    left: dict[str, Any]
    before: list[Any]
    after: list[Any]
    traces: list[int]
    inside: list[weakref.ref[Any]]
    log_dir: Path


@pytest.fixture(scope="module")
def inspected(tmp_path_factory):
    """One fit for all tests, since compiling takes long: all callbacks capture at every batch."""
    log_dir = tmp_path_factory.mktemp("run")
    before, after, inside = Records(), Records(), []
    callbacks = all_callbacks(log_dir, schedule=tbviz.every(batches=1))
    left = outcome([before, *callbacks, after], inside=inside)
    return Inspected(left, before.seen, after.seen, after.traces, inside, log_dir)


def test_two_plain_fits_are_the_same():
    assert outcome() == plain()


def test_a_fit_leaves_to_the_last_bit_what_a_plain_fit_leaves(inspected):
    for what, value in plain().items():
        assert inspected.left[what] == value, what
    assert inspected.left["names since"] == 1
    assert kinds() | {"augmentation"} <= {meta["kind"] for meta in metas(inspected.log_dir)}
    assert notices(inspected.log_dir, "warning") == []


def test_a_snapshot_replaces_no_attribute(inspected):
    assert len(inspected.before) == len(inspected.after) == 3
    for before, after in zip(inspected.before, inspected.after, strict=True):
        assert [key for key, value in after[0].items() if before[0].get(key) != value] == []
        assert after == before


def test_no_callback_compiles_anything_after_the_first_epoch(inspected):
    assert inspected.traces == inspected.traces[:1] * 3


def test_a_deleted_model_is_collected(inspected):
    keras.backend.clear_session()
    gc.collect()
    assert [reference() for reference in inspected.inside] == [None, None]


@pytest.mark.slow
def test_an_eager_fit_leaves_what_a_plain_one_leaves(tmp_path):
    # Monitor alone: eagerly, all methods take long.
    monitor, *_ = all_callbacks(tmp_path, schedule=tbviz.every(batches=1))
    assert outcome([monitor], run_eagerly=True) == plain(run_eagerly=True)
    assert notices(tmp_path, "warning") == []


# The model afterwards


def test_the_model_saves_loads_and_clones_as_before(tmp_path):
    keras.utils.set_random_seed(0)
    model = keras.Sequential(layers())
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, quick(tmp_path / "run"))
    x, _ = data(4)
    expected = model.predict(x, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(loaded.predict(x, verbose=0), expected)
    clone = keras.models.clone_model(model)
    clone.set_weights(model.get_weights())
    np.testing.assert_array_equal(clone.predict(x, verbose=0), expected)


def test_nothing_is_compiled_after_the_first_snapshot_also_in_a_second_fit(tmp_path):
    model = made()
    callbacks = quick(tmp_path)
    counts = []
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: counts.append(inspector_for(model).traces)
    )
    fit(model, [*callbacks, count], epochs=3)
    model.base.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, [*callbacks, count])
    fit(model, [*quick(tmp_path), count], epochs=1)  # new callbacks
    assert len(counts) == 6
    assert (counts[0] > 0) == (BACKEND != "torch")  # which compiles nothing
    assert len(set(counts)) == 1
    assert inspector_for(model).restarts == 0
