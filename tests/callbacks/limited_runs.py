"""Callbacks that take a known time of a clock that the tests set."""

from __future__ import annotations

import keras
from callbacks.nets import cached_model, data

from tbviz.callbacks.base import Visual

X, Y = data(16)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


class SlowCallback(Visual):
    """Takes some seconds per snapshot, and notes at which epochs."""

    wants_recording = runs_model = False

    def __init__(self, log_dir, clock, seconds, **settings):
        super().__init__(log_dir, strict=True, **settings)
        self.clock, self.seconds = clock, seconds
        self.finished = []

    def prepare(self, model_outputs, log):
        self.reset()

    def capture(self, view, log):
        self.clock.now += self.seconds
        self.finished.append(log.position.epoch)


class SlowTraining(keras.callbacks.Callback):
    """Lets training take some seconds per epoch."""

    def __init__(self, clock, seconds):
        super().__init__()
        self.clock, self.seconds = clock, seconds

    def on_train_batch_end(self, batch, logs=None):
        self.clock.now += self.seconds(self.epoch)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch


def fit(*callbacks, epochs):
    cached_model().fit(X, Y, batch_size=16, epochs=epochs, verbose=0, callbacks=list(callbacks))
