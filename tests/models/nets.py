"""What the rows are made of: small images, small stacks of layers, compiled."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from models.case import Work

SIDE = 8
CLASSES = 3

K = keras.layers


def images(count: int = 8, side: int = SIDE, channels: int = 1) -> Any:
    """Images between 0 and 1, each brighter on one side, and which side that is."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % CLASSES
    pictures = random.random((count, side, side, channels)).astype("float32") * 0.4
    pictures[labels != 1, :, : side // 2] += 0.6
    pictures[labels != 0, :, side // 2 :] += 0.6
    return pictures, labels


def conv(name: str | None = None, filters: int = 4, **settings: Any) -> Any:
    """A convolution. Its bias keeps the few filters of these nets alive whatever their weights."""
    given = {"activation": "relu", "padding": "same", "bias_initializer": "ones", **settings}
    return K.Conv2D(filters, 3, name=name, **given)


def compiled(model: Any, loss: Any = "sparse_categorical_crossentropy", **settings: Any) -> Any:
    """The model, compiled."""
    model.compile(settings.pop("optimizer", keras.optimizers.SGD(0.01)), loss, **settings)
    return model


def head(classes: int = CLASSES) -> list[Any]:
    """From feature maps to classes."""
    return [K.GlobalAveragePooling2D(), K.Dense(classes, activation="softmax")]


def stack(*first: Any, inputs: tuple[int, ...] = (SIDE, SIDE, 1)) -> list[Any]:
    """A small network: first what is given, then a convolution and a head."""
    return [keras.Input(inputs), *first, conv("conv"), *head()]


def small(*first: Any, **settings: Any) -> Any:
    """The same as a compiled model."""
    return compiled(keras.Sequential(stack(*first)), **settings)


def classifying(model: Any, data: Any = None, **work: Any) -> Work:
    """A compiled model on the images."""
    x, y = data or images()
    return Work(model, (x, y), x[:2], y[:2], **work)
