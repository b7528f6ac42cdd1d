"""What a model computes in, and how."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from models.case import BACKENDS, TENSORFLOW, Case, Work
from models.nets import CLASSES, SIDE, K, classifying, compiled, conv, images, small


def _under(policy: str) -> Callable[[], Work]:
    def build() -> Work:
        before = keras.config.dtype_policy()
        keras.config.set_dtype_policy(policy)
        try:
            return classifying(small(conv("first")))
        finally:
            keras.config.set_dtype_policy(before)

    return build


def _channels_first(**settings: Any) -> Work:
    layers = [
        keras.Input((1, SIDE, SIDE)),
        conv("conv", data_format="channels_first"),
        K.GlobalAveragePooling2D(data_format="channels_first"),
        K.Dense(CLASSES, activation="softmax"),
    ]
    x, y = images()
    return classifying(
        compiled(keras.Sequential(layers), **settings), (np.moveaxis(x, -1, 1).copy(), y)
    )


def _quantized() -> Work:
    model = small(K.Dense(4, name="mixed"))
    for layer in model.layers:
        if isinstance(layer, K.Dense):  # Keras quantizes no convolution
            layer.quantize("int8")
    return classifying(compiled(model))


def _rematerialized() -> Work:
    with keras.RematScope(mode="full"):
        return classifying(small(conv("first")))


CASES = [
    Case(
        "`mixed_float16`",
        _under("mixed_float16"),
        BACKENDS,
        every_column=True,
        shows=("conv",),
    ),
    Case("`mixed_bfloat16`", _under("mixed_bfloat16"), shows=("conv",)),
    Case(
        "`float64`",
        _under("float64"),
        shows=("conv",),
        remark="float32 on JAX unless `jax_enable_x64` is set",
    ),
    Case(
        "channels first",
        _channels_first,
        BACKENDS,
        refused={TENSORFLOW: "Conv2DCustomBackpropFilterOp only supports NHWC."},
        cpu_decides=(TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "channels first with `jit_compile=True`",
        lambda: _channels_first(jit_compile=True),
        (TENSORFLOW,),
        backends=(TENSORFLOW,),
        shows=("conv",),
    ),
    Case("quantized to `int8`", _quantized, BACKENDS, shows=("conv",)),
    Case(
        "rematerialized layers",
        _rematerialized,
        BACKENDS,
        shows=("conv",),
        refused={
            TENSORFLOW: "The custom_gradient decorator currently supports keywords arguments "
            "only when eager execution is enabled."
        },
    ),
]
