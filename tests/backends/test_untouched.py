"""Training is the same to the last bit, with and without every callback."""

from __future__ import annotations

import functools
import importlib
import random

import keras
import numpy as np
import pytest
from backends.everything import all_names, everything, kinds, names_of
from backends.nets import array
from callbacks.nets import K, data, drawing, metas, notices

import tbviz

BACKEND = keras.backend.backend()


class Native(K.Layer):
    """Draws also when it predicts, from every random state that Keras does not know of."""

    def call(self, inputs):
        shape = tuple(inputs.shape[1:])
        scale = 0.01 * (random.random() + np.random.random())
        if BACKEND == "tensorflow":
            return inputs + scale * importlib.import_module("tensorflow").random.normal(shape)
        if BACKEND == "torch":
            return inputs + scale * importlib.import_module("torch").randn(shape)
        return inputs + scale  # JAX has none of its own


def model(native: bool = False, eager: bool = False):
    made = drawing(*([Native()] if native else []))
    made.compile(
        keras.optimizers.Adam(0.01),
        "sparse_categorical_crossentropy",
        metrics=["accuracy"],
        run_eagerly=eager,
    )
    return made


class Augmented(keras.utils.PyDataset):
    """Draws from the global random states at each batch."""

    def __len__(self):
        return 3

    def __getitem__(self, index):
        x, y = data(8, seed=index)
        return x + np.random.random() * 0.1 + random.random() * 0.1, y


def arrays():
    x, y = data(24)
    return {"x": x, "y": y, "batch_size": 8, "shuffle": True, "validation_split": 0.25}


def pipeline():
    return {"x": Augmented()}


@functools.cache
def plain(feed, **kind):
    """Train without tbviz, once."""
    return trained(feed, **kind)


def trained(feed, callbacks=(), **kind):
    """What training leaves: history, weights, seeds, optimizer state, the next random numbers."""
    made = model(**kind)
    history = made.fit(**feed(), epochs=3, verbose=0, callbacks=list(callbacks)).history
    losses = {name: [float(value) for value in values] for name, values in history.items()}
    variables = [*made.variables, *made.optimizer.variables]
    after = random.random(), np.random.random(), float(array(keras.random.uniform(())))
    return losses, [array(variable).tobytes() for variable in variables], after


def test_training_from_a_pipeline_that_draws_is_the_same_to_the_last_bit(tmp_path):
    expected = plain(pipeline)
    assert trained(pipeline) == expected  # the control: without us, two runs are the same
    x, _ = data(4, seed=9)
    often = {"schedule": tbviz.every(batches=2), "strict": True}
    grid = tbviz.ActivationGrid(tmp_path, x, layers=["conv*", "re_lu"], **often)
    # A limit that cannot be met: snapshots are skipped, except the first and the last.
    callbacks = [*everything(tmp_path, Augmented(), max_overhead=1e-6), grid]
    assert names_of(callbacks) == all_names()
    assert trained(pipeline, callbacks) == expected
    layers = {meta["layer"] for meta in metas(tmp_path, "activations")}
    assert {"conv1", "re_lu", "conv2"} <= layers
    assert kinds() | {"augmentation"} <= {meta["kind"] for meta in metas(tmp_path)}


@pytest.mark.parametrize("eager", [False, True])
def test_layers_that_draw_native_random_numbers(tmp_path, eager):
    if BACKEND == "tensorflow" and eager:
        pytest.skip("the counters inside TensorFlow's kernels cannot be read, nor put back")
    x, _ = data(2)
    grid = tbviz.ActivationGrid(tmp_path, x, strict=True)
    expected = plain(arrays, native=True, eager=eager)
    assert trained(arrays, [grid], native=True, eager=eager) == expected
    assert metas(tmp_path, "activations")


class Failing(tbviz.ActivationGrid):
    """Captures, and fails halfway."""

    def capture(self, view, run_log):
        assert view.recording.maps
        with self.boundary(run_log, "conv1"):
            view.inspector.run("fails", lambda model, x: model(x).nowhere, view.probe.inputs)


@pytest.mark.parametrize("eager", [False, True])
def test_callbacks_that_fail_halfway(tmp_path, eager):
    x, _ = data(2)
    kind = {"native": BACKEND != "tensorflow" or not eager, "eager": eager}
    assert trained(arrays, [Failing(tmp_path, x)], **kind) == plain(arrays, **kind)
    assert len(notices(tmp_path, "warning")) == 1
