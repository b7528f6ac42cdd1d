"""The networks that are trained: each is small, and of a shape that code has to know of.

`build` gives a compiled model and what to train it on. The seeds are set by then.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import keras
import numpy as np

from tbviz.demo import network, photographs

K = keras.layers
SIDE = 16
NAMES = ("left", "right", "both")


@dataclass(frozen=True)
class Work:
    """A model and what it is trained on.

    Args:
        model: Compiled.
        x: Training images.
        y: What they are trained to, None where the model needs nothing.
        images: Those that are shown.
        labels: Their classes.
        class_names: Of the classes.
        settings: What every callback is given besides.
    """

    model: Any
    x: Any
    y: Any
    images: Any
    labels: Any
    class_names: tuple[str, ...]
    settings: dict[str, Any] = field(default_factory=dict)


def data(count: int = 24, channels: int = 3) -> tuple[Any, Any]:
    """Images from 0 to 1 of which one side is bright, or both, and which."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % len(NAMES)
    images = random.random((count, SIDE, SIDE, channels)).astype("float32") * 0.4
    images[labels != 1, :, : SIDE // 2] += 0.6
    images[labels != 0, :, SIDE // 2 :] += 0.6
    return images, labels


def demo() -> Work:
    """The demo's network and photographs."""
    dataset = photographs.load(train=6, validation=2)
    return Work(
        network.build(dataset),
        dataset.train_images,
        dataset.train_labels,
        dataset.probe_images[:2],
        dataset.probe_labels[:2],
        dataset.class_names,
    )


def nested() -> Work:
    """A functional model within another, behind augmentation, with most sorts of convolution."""
    inside = keras.Input((SIDE, SIDE, 3))
    value = K.Conv2D(6, 3, padding="same", activation="relu", name="conv")(inside)
    value = K.MaxPooling2D(name="pool")(value)
    value = K.SeparableConv2D(8, 3, padding="same", name="separable")(value)
    value = K.BatchNormalization(name="norm")(value)
    added = K.Add(name="add")([K.ReLU(name="relu")(value), K.Conv2D(8, 1, name="one")(value)])
    backbone = keras.Model(inside, added, name="backbone")
    image = keras.Input((SIDE, SIDE, 3), name="image")
    value = K.RandomFlip("horizontal", seed=1, name="flip")(image)
    value = K.RandomRotation(0.1, seed=2, name="turn")(value)
    value = K.DepthwiseConv2D(3, padding="same", name="depthwise")(backbone(value))
    value = K.GlobalAveragePooling2D(name="average")(value)
    value = K.Dropout(0.2, seed=3, name="dropout")(value)
    value = K.Dense(len(NAMES), name="scores")(value)
    model = keras.Model(image, K.Softmax(name="softmax")(value), name="nested")
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data()
    return Work(model, x, y, x[:3], y[:3], NAMES)


def two_outputs() -> Work:
    """A model of two heads, the second of one number; some of its filters are dead."""
    image = keras.Input((SIDE, SIDE, 1), name="image")
    value = K.Conv2D(4, 5, strides=2, activation="relu", name="conv1")(image)
    value = K.Conv2DTranspose(6, 3, activation="tanh", name="conv2")(value)
    value = K.GlobalAveragePooling2D(name="average")(value)
    side = K.Dense(len(NAMES), activation="softmax", name="side")(value)
    amount = K.Dense(1, activation="sigmoid", name="amount")(value)
    model = keras.Model(image, {"side": side, "amount": amount}, name="two_outputs")
    conv = model.get_layer("conv1")
    conv.set_weights([conv.get_weights()[0], np.array([1, -9, -9, -9], "float32")])
    model.compile("sgd", {"side": "sparse_categorical_crossentropy", "amount": "mse"})
    x, y = data(channels=1)
    return Work(model, x, {"side": y, "amount": x.mean((1, 2))}, x[:2], y[:2], NAMES)


def channels_first() -> Work:
    """A model whose channels come before height and width, on a backend that can train one."""
    settings = {"data_format": "channels_first", "padding": "same"}
    model = keras.Sequential(
        [
            keras.Input((3, SIDE, SIDE), name="image"),
            K.Conv2D(5, 3, activation="relu", name="conv1", **settings),
            K.MaxPooling2D(name="pool", **settings),
            K.Conv2D(6, 3, activation="relu", name="conv2", **settings),
            K.GlobalAveragePooling2D(data_format="channels_first", name="average"),
            K.Dense(len(NAMES), activation="softmax", name="scores"),
        ],
        name="channels_first",
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = data()
    x = np.ascontiguousarray(np.moveaxis(x, -1, 1))
    return Work(model, x, y, x[:2], y[:2], NAMES)
