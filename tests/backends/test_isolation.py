"""Passes are isolated: other threads, and what the model compiles itself, never see a tap."""

from __future__ import annotations

import importlib
import threading

import keras
import numpy as np
import pytest
from backends.nets import Compiling, X, array, attributes, changed, inspect_model, small, state

from tbviz.taps import backends, keras_private
from tbviz.taps.tap import StopForwardPass, Tap

BACKEND = keras.backend.backend()


def compiling():
    """Whether a `tf.function` is still compiled, which is a switch of the whole process."""
    if BACKEND != "tensorflow":
        return True
    return not importlib.import_module(BACKEND).config.functions_run_eagerly()


def test_nothing_is_left_in_any_layer_and_keras_gets_its_activations_back():
    model = small()
    nn = keras_private.activation_module()
    before, functions = attributes(model), (nn.softmax, nn.sigmoid)
    inspect_model(model)
    assert changed(before, model) == []
    assert (nn.softmax, nn.sigmoid) == functions
    assert compiling()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, StopForwardPass])
def test_nothing_is_left_after_an_exception_either(error):
    model = small()
    nn = keras_private.activation_module()
    before, functions = attributes(model), (nn.softmax, nn.sigmoid)

    def on_output(key, call, output):
        raise error

    def function(model, values):
        with Tap({"c": model.layers[0]}, on_output, model, print):
            return model(values)

    with pytest.raises(error):
        backends.current().compiled(function, model)(X)
    assert changed(before, model) == []
    assert (nn.softmax, nn.sigmoid) == functions
    assert compiling()
    np.testing.assert_array_equal(array(model(X)), array(model(X)))  # Keras' context is clean


def test_another_threads_predict_is_left_alone():
    model = small()
    expected = array(model(X))
    seen, answers = [], []

    def predict():
        answers.append(model.predict(X, verbose=0))

    def on_output(key, call, output):
        seen.append(key)
        if len(seen) == 1:
            other = threading.Thread(target=predict)
            other.start()
            other.join()
        return output + 1000

    def function(model, values):
        with Tap({"conv": model.layers[0]}, on_output, model):
            return model(values, training=False)

    moved = backends.current().compiled(function, model)(X)
    assert seen == ["conv"]
    assert not np.allclose(moved, expected)
    np.testing.assert_allclose(answers[0], expected, rtol=1e-5)
    np.testing.assert_allclose(model.predict(X, verbose=0), expected, rtol=1e-5)


def trained(inspected):
    keras.utils.set_random_seed(3)
    model = Compiling()
    model.compile("sgd", "mse")
    history = []
    for fit in (1, 2):
        if inspected == "before" or (inspected == "after" and fit == 2):
            inspect_model(model)
        found = model.fit(X, np.zeros((4, 3)), batch_size=2, verbose=0, shuffle=False)
        history.append(float(found.history["loss"][0]))
    if inspected != "never":
        inspect_model(model)
    return [*state(model), np.array(history), array(model(X)), array(model(X))]


@pytest.mark.parametrize("inspected", ["before", "after"])
def test_a_model_that_compiles_itself_trains_the_same_if_inspected(inspected):
    plain = trained("never")
    for one, other in zip(plain, trained(inspected), strict=True):
        np.testing.assert_array_equal(one, other)
    # Where its own function has a seed, that still moves.
    assert (BACKEND == "tensorflow") != np.array_equal(plain[-1], plain[-2])


def test_passes_from_two_threads_do_not_interfere():
    models = [small(), small()]
    found = {}

    def work(index):
        found[index] = inspect_model(models[index]).maps["conv"]

    threads = [threading.Thread(target=work, args=(index,)) for index in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert compiling()
    for index, model in enumerate(models):
        np.testing.assert_allclose(found[index], array(model.layers[0](X)), atol=1e-6)
