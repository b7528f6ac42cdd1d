"""Build the network of the demo: four convolutions, which two cores train while one watches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import keras

if TYPE_CHECKING:
    from tbviz.demo.dataset import Dataset


def build(dataset: Dataset) -> keras.Model:
    """Build and compile the network for a data set's image size and classes.

    The page shows the names of the layers. `conv4` has no pooling behind it: at an eighth of the
    picture's size, its maps still show positions.
    """
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(dataset.train_images.shape[1:], name="image"),
            layers.Rescaling(1 / 255, name="rescaling"),
            layers.Conv2D(32, 3, activation="relu", padding="same", name="conv1"),
            layers.MaxPooling2D(name="pool1"),
            layers.Conv2D(64, 3, activation="relu", padding="same", name="conv2"),
            layers.MaxPooling2D(name="pool2"),
            layers.Conv2D(64, 3, activation="relu", padding="same", name="conv3"),
            layers.MaxPooling2D(name="pool3"),
            layers.Conv2D(64, 3, activation="relu", padding="same", name="conv4"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(len(dataset.class_names), activation="softmax", name="classes"),
        ],
        name=dataset.name,
    )
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model
