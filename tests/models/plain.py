"""How a model is put together."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from models.case import BACKENDS, JAX, TENSORFLOW, Case, Work
from models.nets import CLASSES, SIDE, K, classifying, compiled, conv, head, images, small, stack

SHAPE = (SIDE, SIDE, 1)


def _through(value: Any, layers: list[Any]) -> Any:
    for layer in layers:
        value = layer(value)
    return value


def _functional() -> Work:
    inputs = keras.Input(SHAPE)
    return classifying(compiled(keras.Model(inputs, _through(inputs, [conv("conv"), *head()]))))


def _late() -> Work:
    return classifying(compiled(keras.Sequential(stack()[1:])))


def _nested() -> Work:
    inner = keras.Sequential([keras.Input(SHAPE), conv("conv")], name="inner")
    inputs = keras.Input(SHAPE)
    middle = keras.Model(inputs, inner(inputs), name="middle")
    outer = keras.Sequential([keras.Input(SHAPE), middle], name="outer")
    return classifying(compiled(keras.Sequential([keras.Input(SHAPE), outer, *head()])))


class Blocks(keras.Model):
    """Convolutions in a list, all of one name."""

    def __init__(self, classes: int | None = CLASSES) -> None:
        super().__init__(name="blocks")
        self.blocks = [conv("conv"), conv("conv")]
        self.average = K.GlobalAveragePooling2D()
        self.classes = None if classes is None else K.Dense(classes, activation="softmax")

    def call(self, inputs: Any) -> Any:
        for block in self.blocks:
            inputs = block(inputs)
        return inputs if self.classes is None else self.classes(self.average(inputs))


class Own(keras.Model):
    """A subclassed model as most are written."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = conv("conv")
        self.pooling = K.MaxPooling2D(name="pool")
        self.average = K.GlobalAveragePooling2D()
        self.classes = K.Dense(CLASSES, activation="softmax")

    def call(self, inputs: Any) -> Any:
        return self.classes(self.average(self.pooling(self.convolution(inputs))))


def _subclassed_inside() -> Work:
    inputs = keras.Input(SHAPE)
    return classifying(compiled(keras.Model(inputs, _through(inputs, [Blocks(None), *head()]))))


def _siamese() -> Work:
    inputs = keras.Input(SHAPE)
    base = keras.Model(inputs, K.Flatten()(conv("conv")(inputs)), name="base")
    left, right = keras.Input(SHAPE, name="left"), keras.Input(SHAPE, name="right")
    apart = K.Subtract()([base(left), base(right)])
    model = keras.Model([left, right], K.Dense(1, activation="sigmoid")(apart))
    x, y = images()
    same = (y == np.roll(y, 1)).astype("float32")[:, None]
    pairs = (x, np.roll(x, 1, axis=0))
    probe = tuple(part[:2] for part in pairs)
    return Work(compiled(model, "binary_crossentropy"), (pairs, same), probe, same[:2])


def _shared() -> Work:
    inputs = keras.Input(SHAPE)
    first, shared = conv("first"), conv("conv")
    return classifying(
        compiled(keras.Model(inputs, _through(inputs, [first, shared, shared, *head()])))
    )


def _residual() -> Work:
    inputs = keras.Input(SHAPE)
    first = conv("first")(inputs)
    added = K.Add(name="add")([first, conv("second")(first)])
    return classifying(compiled(keras.Model(inputs, _through(added, head()))))


def _concatenating() -> Work:
    inputs = keras.Input(SHAPE)
    branches = [conv("one")(inputs), conv("other")(inputs)]
    joined = K.Concatenate(name="joined")(branches)
    return classifying(compiled(keras.Model(inputs, _through(joined, head()))))


def _two_models() -> Work:
    def model() -> Any:
        return keras.Sequential([keras.Input(SHAPE), conv(), conv(), *head()])

    model()
    return classifying(compiled(model()))


def _operations() -> Work:
    inputs = keras.Input(SHAPE)
    maps = conv("conv", activation=None)(inputs)
    return classifying(compiled(keras.Model(inputs, _through(ops.relu(maps) + maps, head()))))


def _lambda() -> Work:
    return classifying(small(K.Lambda(lambda values: values * 2 - 1)))


CASES = [
    Case("functional", _functional, BACKENDS, shows=("conv",)),
    Case("Sequential", lambda: classifying(small()), (TENSORFLOW,), shows=("conv",)),
    Case(
        "Sequential, built by the first batch",
        _late,
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "nested three deep",
        _nested,
        BACKENDS,
        every_column=True,
        shows=("outer/middle/inner/conv",),
    ),
    Case(
        "subclassed",
        lambda: classifying(compiled(Own())),
        (TENSORFLOW, JAX),
        shows=("conv", "pool"),
    ),
    Case(
        "subclassed inside functional",
        _subclassed_inside,
        BACKENDS,
        shows=("blocks/blocks.0", "blocks/blocks.1"),
    ),
    Case(
        "several layers of one name in a subclassed model",
        lambda: classifying(compiled(Blocks())),
        shows=("blocks.0", "blocks.1"),
    ),
    Case(
        "siamese: a functional base called twice",
        _siamese,
        BACKENDS,
        every_column=True,
        cells={
            "ClassMaximization": "the image did not change: no gradient of the model's output "
            "reaches the input, because the model compares its input images"
        },
        shows=("base/conv#0", "base/conv#1"),
    ),
    Case("a shared layer", _shared, shows=("conv#0", "conv#1")),
    Case("residual", _residual, shows=("first", "second", "add")),
    Case("concatenating", _concatenating, shows=("one", "other", "joined")),
    Case(
        "the second model of a process, with automatic names",
        _two_models,
        shows=("conv2d", "conv2d_1"),
        remark="its paths are those of the first one",
    ),
    Case(
        "operations (`ops.relu`, `+`) in a functional graph",
        _operations,
        BACKENDS,
        shows=("conv", "relu", "add"),
    ),
    Case(
        "a grouped convolution",
        lambda: classifying(small(conv("first"), conv("grouped", groups=2))),
        (TENSORFLOW,),
        shows=("grouped",),
    ),
    Case("Lambda", _lambda, shows=("conv",)),
]
