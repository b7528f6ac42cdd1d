"""What comes out at the end."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from models.case import BACKENDS, TENSORFLOW, TORCH, Case, Work
from models.nets import CLASSES, SIDE, K, classifying, compiled, conv, images

SHAPE = (SIDE, SIDE, 1)


def _maps() -> list[Any]:
    return [
        keras.Input(SHAPE),
        conv("conv"),
        K.GlobalAveragePooling2D(),
    ]


def _ending(*last: Any, loss: Any, y: Any = None) -> Work:
    x, classes = images()
    model = compiled(keras.Sequential([*_maps(), *last]), loss)
    return classifying(model, (x, classes if y is None else y))


def _regression() -> Work:
    ages = np.linspace(0.5, 1.5, 8, dtype="float32")[:, None]
    return _ending(K.Dense(1, kernel_initializer="ones"), loss="mse", y=ages)


def _binary() -> Work:
    return _ending(
        K.Dense(1, activation="sigmoid"),
        loss="binary_crossentropy",
        y=np.arange(8, dtype="float32")[:, None] % 2,
    )


def _labels() -> Work:
    return _ending(
        K.Dense(CLASSES, activation="sigmoid"),
        loss="binary_crossentropy",
        y=np.random.default_rng(0).integers(0, 2, (8, CLASSES)).astype("float32"),
    )


def _logits() -> Work:
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return _ending(K.Dense(CLASSES), loss=loss)


def _fused() -> Work:
    return _ending(K.Dense(CLASSES, activation="softmax"), loss="sparse_categorical_crossentropy")


def _separate() -> Work:
    return _ending(K.Dense(CLASSES), K.Softmax(), loss="sparse_categorical_crossentropy")


def _outputs(names: list[str] | None) -> Work:
    inputs, *layers = _maps()
    value = inputs
    for layer in layers:
        value = layer(value)
    ends = [K.Dense(CLASSES, activation="softmax")(value), K.Dense(1)(value)]
    losses: Any = ["sparse_categorical_crossentropy", "mse"]
    x, y = images()
    targets: Any = [y, y[:, None].astype("float32")]
    outputs: Any = ends
    if names:
        outputs, losses, targets = (
            dict(zip(names, each, strict=True)) for each in (ends, losses, targets)
        )
    return Work(compiled(keras.Model(inputs, outputs), losses), (x, targets), x[:2], y[:2])


def _segmentation(*, one_hot: bool = True) -> Work:
    inputs = keras.Input(SHAPE)
    fine = conv("fine")(inputs)
    coarse = conv("coarse")(K.MaxPooling2D()(fine))
    joined = K.Concatenate(name="joined")([fine, K.UpSampling2D(name="up")(coarse)])
    model = keras.Model(inputs, K.Conv2D(2, 1, activation="softmax", name="pixels")(joined))
    x, _ = images()
    target = (x[..., 0] > 0.6).astype("int32")
    loss = "sparse_categorical_crossentropy"
    if one_hot:
        target, loss = np.eye(2, dtype="float32")[target], "categorical_crossentropy"
    return Work(compiled(model, loss), (x, target), x[:2])


def _autoencoder() -> Work:
    code = conv("encode", 8, strides=2)
    back = K.Conv2DTranspose(
        1,
        3,
        strides=2,
        padding="same",
        kernel_initializer=keras.initializers.RandomUniform(0, 0.05),
        name="decode",
    )
    x, _ = images()
    model = keras.Sequential([keras.Input(SHAPE), code, back])
    return Work(compiled(model, "mse"), (x, x), x[:2])


CASES = [
    Case("softmax within the last Dense", _fused, BACKENDS, shows=("conv",)),
    Case("softmax as a layer of its own", _separate, (TENSORFLOW,), shows=("conv",)),
    Case("`from_logits=True`", _logits, BACKENDS, shows=("conv",)),
    Case("one sigmoid unit", _binary, BACKENDS, shows=("conv",)),
    Case("several labels per image (sigmoids)", _labels, shows=("conv",)),
    Case("regression", _regression, BACKENDS, shows=("conv",)),
    Case("a list of outputs", lambda: _outputs(None), shows=("conv",)),
    Case(
        "a dict of outputs",
        lambda: _outputs(["kind", "age"]),
        BACKENDS,
        shows=("conv",),
    ),
    Case(
        "encoder-decoder, one class per pixel (segmentation)",
        _segmentation,
        BACKENDS,
        every_column=True,
        shows=("fine", "coarse", "joined"),
    ),
    Case(
        "the same with whole numbers as targets",
        lambda: _segmentation(one_hot=False),
        (TORCH,),
        shows=("fine", "coarse", "joined"),
        refused={TORCH: "grad_input must be contiguous"},
    ),
    Case("autoencoder", _autoencoder, BACKENDS, shows=("encode",)),
]
