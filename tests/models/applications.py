"""The networks of `keras.applications`, by themselves and as a frozen base."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import keras
from models.case import TENSORFLOW, TORCH, Case, Work
from models.nets import classifying, compiled, head, images

MIN_SIDE = {"InceptionV3": 75, "Xception": 71}
"""Where a network does not take 64 pixels."""

NAMES = (
    "VGG16",
    "VGG19",
    "ResNet50",
    "ResNet50V2",
    "InceptionV3",
    "Xception",
    "MobileNet",
    "MobileNetV2",
    "MobileNetV3Small",
    "DenseNet121",
    "EfficientNetB0",
    "EfficientNetV2B0",
    "ConvNeXtTiny",
    "NASNetMobile",
)
CLASSES = 10
"""With few, the untrained scores may all be negative, and with them the class activation map."""

_NO_NASNET = (
    "NASNetMobile is not available with the torch backend at this time due to an outstanding bug."
)
REFUSED = {"NASNetMobile": {TORCH: _NO_NASNET}}

EVERY_DAY = {"VGG16": (TENSORFLOW,), "MobileNetV2 as a frozen base": (TENSORFLOW, TORCH)}


def _flat(name: str, side: int) -> Callable[[], Work]:
    def build() -> Work:
        network = getattr(keras.applications, name)
        model = network(weights=None, input_shape=(side, side, 3), classes=CLASSES)
        # A larger step makes InceptionV3 diverge: it normalizes over two images of one pixel.
        optimizer = keras.optimizers.SGD(1e-5)
        return classifying(compiled(model, optimizer=optimizer), images(2, side, 3))

    return build


def _nested(name: str, side: int) -> Callable[[], Work]:
    def build() -> Work:
        network = getattr(keras.applications, name)
        keras.utils.set_random_seed(1)  # with 0, InceptionV3's map is zero on torch
        base = network(weights=None, include_top=False, input_shape=(side, side, 3))
        base.trainable = False
        return classifying(compiled(keras.Sequential([base, *head(CLASSES)])), images(2, side, 3))

    return build


def _rows() -> Iterator[Case]:
    for name in NAMES:
        side = MIN_SIDE.get(name, 64)
        base = f"{name} as a frozen base"
        refused = REFUSED.get(name, {})
        yield Case(name, _flat(name, side), EVERY_DAY.get(name, ()), refused=refused)
        nested, days = _nested(name, side), EVERY_DAY.get(base, ())
        yield Case(base, nested, days, refused=refused, shows=("*/*",))


CASES = list(_rows())
