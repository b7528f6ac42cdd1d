"""A real training of a small network on digits."""

from __future__ import annotations

from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[2]
EPOCHS = 30


def small_network():
    """A gray network of two convolutions that trains in no time."""
    import keras

    keras.utils.set_random_seed(3)
    layers = keras.layers
    model = keras.Sequential(
        [
            layers.Input((28, 28, 1)),
            layers.Conv2D(8, 5, strides=2, activation="relu", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(20, 3, activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(10, activation="softmax", name="classes"),
        ]
    )
    model.compile("adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def digits():
    with np.load(ROOT / "tests" / "data" / "mnist_5k.npz") as data:
        return data["images"][..., None].astype("float32") / 255, data["labels"].astype("int64")


def train(log_dir: Path, epochs: int, model=None, initial_epoch: int = 0):
    """A real `fit` with all callbacks, two steps an epoch."""
    import keras

    import tbviz

    images, labels = digits()
    images, labels = images[::8], labels[::8]
    model = model or small_network()
    names = [f"digit {number}" for number in range(10)]
    common = {"labels": labels[:3], "class_names": names}
    model.fit(
        images[64:192],
        labels[64:192],
        validation_data=(images[192:256], labels[192:256]),
        batch_size=64,
        epochs=epochs,
        initial_epoch=initial_epoch,
        verbose=0,
        callbacks=[
            keras.callbacks.TensorBoard(str(log_dir)),
            tbviz.ActivationGrid(log_dir, images[:3], **common),
            tbviz.LayerHealth(log_dir, images[:3], **common),
            tbviz.GradCAM(log_dir, images[:3], **common),
            tbviz.FilterMaximization(
                log_dir, layers="conv2", filters=4, schedule=tbviz.every(epochs=10)
            ),
        ],
    )
    return model
