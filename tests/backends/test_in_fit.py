"""Whether Keras' `fit` is running is decided by its code, not by the name of a function."""

from __future__ import annotations

import threading

import keras
import numpy as np
import pytest

from tbviz.callbacks.run.notebook import in_fit

X, Y = np.ones((4, 3), np.float32), np.zeros((4, 1), np.float32)


class Asks(keras.callbacks.Callback):
    """Asks at each hook, on the thread that calls it."""

    def __init__(self):
        super().__init__()
        self.answers = set()

    def on_train_begin(self, logs=None):
        self.answers.add(in_fit())

    def on_train_batch_end(self, batch, logs=None):
        self.answers.add(in_fit())

    def on_train_end(self, logs=None):
        self.answers.add(in_fit())


def compiled(kind=keras.Sequential):
    model = kind([keras.Input((3,)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


def by_hand(asks):
    asks.on_train_begin()
    asks.on_train_batch_end(0)
    asks.on_train_end()


class Overrides(keras.Sequential):
    def fit(self, *args, **kwargs):
        return super().fit(*args, **kwargs)


class Loops(keras.Sequential):
    """Its `fit` is a loop of its own."""

    def fit(self, x, y, callbacks, **kwargs):
        assert in_fit() is False
        by_hand(*callbacks)


class Wrapper:
    """As scikit-learn's estimators: a `fit` that has a model's called."""

    def __init__(self, model):
        self.model = model

    def fit(self, x, y, **kwargs):
        return self.model.fit(x, y, **kwargs)


@pytest.mark.parametrize(
    ("make", "expected"),
    [
        (compiled, True),
        (lambda: compiled(Overrides), True),
        (lambda: Wrapper(compiled()), True),
        (lambda: Wrapper(compiled(Overrides)), True),
        (lambda: compiled(Loops), False),
        (lambda: Wrapper(compiled(Loops)), False),
    ],
)
def test_a_fit_is_kerass_own_whoever_calls_it(make, expected):
    asks = Asks()
    make().fit(X, Y, verbose=0, callbacks=[asks])
    assert asks.answers == {expected}


def test_a_loop_in_a_function_called_fit_is_none():
    def fit(asks):
        by_hand(asks)
        model.train_on_batch(X, Y)

    model, asks = compiled(), Asks()
    fit(asks)
    assert asks.answers == {False}
    assert in_fit() is False


def test_long_tracebacks_make_no_difference():
    asks = Asks()
    keras.config.disable_traceback_filtering()
    try:
        compiled().fit(X, Y, verbose=0, callbacks=[asks])
    finally:
        keras.config.enable_traceback_filtering()
    assert asks.answers == {True}


def test_each_thread_answers_for_itself():
    here = []

    class Elsewhere(Asks):
        def on_train_begin(self, logs=None):
            super().on_train_begin()
            began.set()
            assert go_on.wait(60)

    began, go_on = threading.Event(), threading.Event()
    asks, model = Elsewhere(), compiled()
    thread = threading.Thread(
        target=model.fit, args=(X, Y), kwargs={"verbose": 0, "callbacks": [asks]}
    )
    thread.start()
    try:
        assert began.wait(60)
        here.append(in_fit())
    finally:
        go_on.set()
        thread.join(60)
    assert (here, asks.answers) == ([False], {True})
