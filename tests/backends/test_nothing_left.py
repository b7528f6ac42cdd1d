"""After a look, and after `fit`, nothing of ours is left: on every backend."""

from __future__ import annotations

import functools
import gc
import random
import weakref

import keras
import numpy as np
import pytest
from callbacks.nets import CLASSES, Draws, K, data, layers, metas, notices

import tbviz
from tbviz.methods.maximization import Ascent
from tbviz.taps import private
from tbviz.taps.looker import looker_of


def monitor(log_dir, **settings):
    x, y = data(2, seed=5)
    made = tbviz.Monitor(log_dir, x, y, strict=True, **settings)
    made.callbacks[-1].settings = Ascent(steps=2)
    return made


def quick(log_dir):
    """What needs less compiling than all of them."""
    x, y = data(2, seed=5)
    return [
        tbviz.ActivationGrid(log_dir, x, strict=True),
        tbviz.GradCAM(log_dir, x, y, strict=True),
    ]


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
    model(data(1)[0])
    return model


def fit(model, callbacks=(), epochs=2):
    x, y = data(16)
    return model.fit(x, y, 8, epochs, verbose=0, callbacks=list(callbacks)).history


# What is on the model


def size(value):
    return len(value) if isinstance(value, list | tuple | dict | set) else None


def parts(model):
    """Every attribute of everything that belongs to a model: which object it is, and its size."""
    things = [*private.all_layers(model), *model.variables, *model.optimizer.variables]
    things += [model.optimizer, *model.metrics]
    return {
        (type(thing).__name__, place, name): (id(value), size(value))
        for place, thing in enumerate(things)
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
        for layer in private.all_layers(model)
    ]


def surroundings():
    """What belongs to the process."""
    module = private.activation_module()
    return (
        keras.config.dtype_policy(),
        keras.config.floatx(),
        keras.config.image_data_format(),
        module.softmax,
        module.sigmoid,
        keras.layers.Layer.__call__,
    )


def test_a_look_leaves_every_attribute_the_object_that_it_was(tmp_path):
    model = made()
    seen = []

    class Notes(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            model = self.model  # on JAX this puts training's state into the variables
            seen.append((parts(model), switches(model), surroundings()))

    fit(model, [Notes(), monitor(tmp_path), Notes()])
    for before, after in (seen[:2], seen[2:]):
        assert [key for key, value in after[0].items() if before[0].get(key) != value] == []
        assert after == before
    assert notices(tmp_path, "warning") == []
    kinds = {"activations", "cam", "health", "maximization", "predictions"}
    assert kinds <= {meta["kind"] for meta in metas(tmp_path)}


def test_a_fit_leaves_what_a_plain_fit_leaves(tmp_path):
    def after(callbacks):
        model = made()
        before = K.Dense(1).name, K.Conv2D(1, 1).name
        count = len(model.variables)
        fit(model, callbacks)
        assert len(model.variables) == count
        named = [
            [thing.name, sorted(vars(thing))]
            for thing in [*private.all_layers(model), *model.variables, model.optimizer]
        ]
        later = K.Dense(1).name, K.Conv2D(1, 1).name
        assert all(number(new) == number(old) + 1 for new, old in zip(later, before, strict=True))
        return [attributes for _, attributes in named], switches_by_name(model), surroundings()

    def number(name):
        last = name.rsplit("_", 1)[-1]
        return int(last) if last.isdecimal() else 0

    def switches_by_name(model):
        return [
            [getattr(value, "__name__", getattr(value, "name", value)) for value in switched]
            for switched in switches(model)
        ]

    plain = after([])
    assert after([monitor(tmp_path)]) == plain


# Training


def draws():
    """The next number of each random state that a user's own code may draw from."""
    return random.random(), np.random.random(), float(keras.random.uniform(()))


def outcome(callbacks, run_eagerly=False):
    model = made(run_eagerly=run_eagerly)
    history = fit(model, callbacks, epochs=3)
    values = [*model.variables, *model.optimizer.variables]
    return (
        history,
        [keras.ops.convert_to_numpy(value).tobytes() for value in values],
        draws(),
    )


@functools.cache
def plain_outcome(run_eagerly=False):
    if keras.backend.backend() != "tensorflow":
        outcome([], run_eagerly)  # the first fit of a process may differ from all later ones
    return outcome([], run_eagerly)


def test_two_plain_fits_are_the_same():
    assert outcome([]) == plain_outcome()


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_training_is_the_same_to_the_last_bit(tmp_path, run_eagerly):
    looking = monitor(tmp_path, schedule=tbviz.every(batches=1))
    assert outcome([looking], run_eagerly) == plain_outcome(run_eagerly)
    assert len(metas(tmp_path, "activations")) > 10


def test_training_is_the_same_where_a_look_fails_halfway(tmp_path, monkeypatch):
    grid = tbviz.ActivationGrid(tmp_path, data(2)[0])
    look = grid.look

    def fails(view, journal):
        look(view, journal)
        raise RuntimeError("halfway")

    monkeypatch.setattr(grid, "look", fails)
    assert outcome([grid]) == plain_outcome()
    [notice] = notices(tmp_path, "warning")
    assert "halfway" in notice["text"]


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


def test_a_deleted_model_is_collected(tmp_path):
    def gone(callbacks):
        model = made()
        fit(model, callbacks)
        callbacks.clear()
        inside = [weakref.ref(model), weakref.ref(model.base), weakref.ref(model.variables[0])]
        del model
        keras.backend.clear_session()
        gc.collect()
        return [reference() is None for reference in inside]

    plain = gone([])
    assert gone(quick(tmp_path)) == plain
    assert plain[0]


def test_nothing_is_compiled_after_the_first_look_also_in_a_second_fit(tmp_path):
    model = made()
    looking = quick(tmp_path)
    counts = []
    count = keras.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: counts.append(looker_of(model).traces)
    )
    fit(model, [*looking, count], epochs=3)
    model.base.trainable = False
    model.compile("sgd", "sparse_categorical_crossentropy")
    fit(model, [*looking, count])
    assert len(counts) == 5
    assert (counts[0] > 0) == (keras.backend.backend() != "torch")  # which compiles nothing
    assert len(set(counts)) == 1
