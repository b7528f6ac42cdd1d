"""One seeded fit with `Monitor`, for `check_s3.py`: run by the Python that has TensorFlow.

Prints one JSON object: the epochs and seconds of the training, and the messages of tbviz.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import time

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

import tbviz

SIDE, CLASSES = 16, 3


class Messages(logging.Handler):
    """Collects messages."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Add one."""
        self.texts.append(record.getMessage())


class Kill(keras.callbacks.Callback):
    """Ends a process, such as the server that is written to, when an epoch begins."""

    def __init__(self, pid: int, epoch: int) -> None:
        super().__init__()
        self._pid, self._epoch = pid, epoch

    def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
        """End it, in one epoch."""
        if epoch == self._epoch:
            os.kill(self._pid, signal.SIGKILL)


def network() -> keras.Model:
    """A small convolutional network."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.Conv2D(6, 3, padding="same", activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def main() -> None:
    """Fit, print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("log_dir")
    options.add_argument("--epochs", type=int, default=3)
    options.add_argument("--kill", type=int, help="a process to end")
    options.add_argument("--at", type=int, help="when this epoch begins")
    given = options.parse_args()
    messages = Messages()
    logging.getLogger("tbviz").addHandler(messages)
    keras.utils.set_random_seed(5)
    tf.config.experimental.enable_op_determinism()
    random = np.random.default_rng(5)
    x = random.random((48, SIDE, SIDE, 3)).astype("float32")
    y = random.integers(0, CLASSES, 48)
    callbacks: list[keras.callbacks.Callback] = [tbviz.Monitor(given.log_dir, x[:3], y[:3])]
    if given.kill is not None:
        callbacks.append(Kill(given.kill, given.at))
    begin = time.perf_counter()
    history = network().fit(x, y, 16, given.epochs, verbose=0, callbacks=callbacks)
    seconds = time.perf_counter() - begin
    trained = len(history.history["loss"])
    print(json.dumps({"epochs": trained, "seconds": seconds, "messages": messages.texts}))


if __name__ == "__main__":
    main()
