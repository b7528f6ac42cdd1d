"""Layers that see something else than a batch of images, or no convolution at all."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from models.case import BACKENDS, TENSORFLOW, Case, Work
from models.nets import CLASSES, SIDE, K, compiled, conv, images


def _sequence(*layers: Any, shape: tuple[int, ...]) -> Work:
    """A classifier of random values of one shape."""
    end = K.Dense(CLASSES, activation="softmax")
    model = compiled(keras.Sequential([keras.Input(shape), *layers, end]))
    x = np.random.default_rng(0).random((8, *shape)).astype("float32")
    y = np.arange(8) % CLASSES
    return Work(model, (x, y), x[:2], y[:2])


def _time_distributed() -> Work:
    frames = K.TimeDistributed(conv("conv"), name="frames")
    return _sequence(frames, K.GlobalAveragePooling3D(), shape=(3, SIDE, SIDE, 1))


def _conv1d() -> Work:
    convolution = K.Conv1D(4, 3, activation="relu", bias_initializer="ones", name="conv")
    pooling = K.MaxPooling1D(name="pool")
    return _sequence(convolution, pooling, K.GlobalAveragePooling1D(), shape=(16, 2))


def _conv3d() -> Work:
    convolution = K.Conv3D(4, 3, activation="relu", bias_initializer="ones", name="conv")
    pooling = K.MaxPooling3D(name="pool")
    return _sequence(convolution, pooling, K.GlobalAveragePooling3D(), shape=(6, SIDE, SIDE, 1))


def _conv_lstm() -> Work:
    recurrent = K.ConvLSTM2D(4, 3, padding="same", name="recurrent")
    return _sequence(recurrent, K.GlobalAveragePooling2D(), shape=(3, SIDE, SIDE, 1))


def _lstm() -> Work:
    return _sequence(K.LSTM(4), shape=(6, 3))


def _dense() -> Work:
    return _sequence(K.Dense(4, activation="relu"), shape=(5,))


def _attention(inputs: Any, tokens: Any) -> Work:
    attended = K.MultiHeadAttention(2, 4, name="attention")(tokens, tokens)
    mixed = K.LayerNormalization(name="norm")(K.Add(name="add")([tokens, attended]))
    end = K.Dense(CLASSES, activation="softmax")(K.GlobalAveragePooling1D()(mixed))
    x, y = images()
    return Work(compiled(keras.Model(inputs, end)), (x, y), x[:2], y[:2])


def _vision_transformer() -> Work:
    inputs = keras.Input((SIDE, SIDE, 1))
    patches = K.Conv2D(8, 2, strides=2, name="patches")(inputs)
    return _attention(inputs, K.Reshape((16, 8), name="tokens")(patches))


def _attention_alone() -> Work:
    inputs = keras.Input((SIDE, SIDE, 1))
    return _attention(inputs, K.Dense(8, name="tokens")(K.Reshape((16, 4))(inputs)))


NO_MAPS = {
    **dict.fromkeys(
        ("ActivationGrid", "Hypercolumns", "LayerHealth", "GradCAM"),
        "left out: this model has no layer with feature maps",
    ),
    "FilterMaximization": "left out: this model has no convolution over images",
}
NO_IMAGE = {
    "Saliency": "left out: this model has no image among its inputs",
    "ClassMaximization": "left out: none of the model's inputs is a batch of images",
}
NO_KERNEL = {"Kernels": "left out: this model has no convolution whose kernel can be drawn"}

CASES = [
    Case(
        "`TimeDistributed(Conv2D)`",
        _time_distributed,
        BACKENDS,
        every_column=True,
        cells={**NO_IMAGE, "FilterMaximization": NO_IMAGE["ClassMaximization"]},
        shows=("frames/conv",),
        reasons={"frames": "its output of 3 x 8 x 8 x 4 is a series of 3 frames"},
        remark="the first frame is shown; maximization cannot paint on a video",
    ),
    Case(
        "`Conv1D`",
        _conv1d,
        BACKENDS,
        every_column=True,
        cells={**NO_MAPS, **NO_IMAGE},
        reasons={"pool": "its output is a sequence of 7 steps with 4 channels"},
    ),
    Case(
        "`Conv3D`",
        _conv3d,
        (TENSORFLOW,),
        cells={**NO_MAPS, **NO_IMAGE},
        reasons={"pool": "is a volume: it has a depth beside height and width"},
    ),
    Case(
        "`ConvLSTM2D`",
        _conv_lstm,
        cells={
            "FilterMaximization": NO_MAPS["FilterMaximization"],
            **NO_IMAGE,
            **NO_KERNEL,
        },
        shows=("recurrent",),
        reasons={"recurrent/conv_lstm_cell": "it is the cell of a recurrent layer"},
    ),
    Case(
        "`LSTM`",
        _lstm,
        cells={**NO_MAPS, **NO_IMAGE, **NO_KERNEL},
        reasons={
            "lstm": "its output of 4 values has no height and width to draw",
            "lstm/lstm_cell": "it is the cell of a recurrent layer",
        },
    ),
    Case(
        "`Dense` alone",
        _dense,
        cells={**NO_MAPS, **NO_IMAGE, **NO_KERNEL},
        reasons={"dense": "its output of 4 values has no height and width to draw"},
    ),
    Case(
        "a small vision transformer",
        _vision_transformer,
        BACKENDS,
        shows=("patches", "add"),
        remark="tokens are shown as the grid of their patches",
    ),
    Case(
        "attention without a convolution",
        _attention_alone,
        BACKENDS,
        cells={**NO_MAPS, **NO_KERNEL},
        reasons={
            "attention": "its output is a sequence of 16 steps with 8 channels",
            "attention/query": "its axes are tokens and heads, not height and width",
        },
    ),
]
