"""What goes in: inputs of a model, training data, probe images."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
from models.case import BACKENDS, TENSORFLOW, Case, Work
from models.nets import CLASSES, SIDE, K, classifying, compiled, conv, images, small

SHAPE = (SIDE, SIDE, 1)


def _image_and_vector() -> Work:
    picture, vector = keras.Input(SHAPE, name="picture"), keras.Input((3,), name="vector")
    maps = conv("conv")(picture)
    merged = K.Concatenate()([K.GlobalAveragePooling2D()(maps), vector])
    model = keras.Model([picture, vector], K.Dense(CLASSES, activation="softmax")(merged))
    x, y = images()
    beside = np.random.default_rng(0).random((8, 3)).astype("float32")
    return Work(compiled(model), ((x, beside), y), (x[:2], beside[:2]), y[:2])


def _two_images() -> Work:
    inputs = {name: keras.Input(SHAPE, name=name) for name in ("left", "right")}
    maps = [conv(f"conv_{name}")(value) for name, value in inputs.items()]
    merged = K.GlobalAveragePooling2D()(K.Concatenate(name="joined")(maps))
    model = keras.Model(inputs, K.Dense(CLASSES, activation="softmax")(merged))
    x, y = images()
    both = {"left": x, "right": x[::-1].copy()}
    return Work(compiled(model), (both, y), {k: v[:2] for k, v in both.items()}, y[:2])


def _preprocessing() -> Work:
    x, y = images()
    model = small(K.Rescaling(1 / 255), K.RandomFlip(), K.RandomTranslation(0.1, 0.1))
    return classifying(model, (np.round(x * 255), y))


class Sequence(keras.utils.PyDataset):
    """Two batches of four."""

    def __init__(self) -> None:
        super().__init__()
        self._images = images()

    def __len__(self) -> int:
        return 2

    def __getitem__(self, index: int) -> tuple[Any, ...]:
        return tuple(part[4 * index : 4 * index + 4] for part in self._images)


def _generator() -> Iterator[tuple[Any, ...]]:
    batches = Sequence()
    while True:
        yield from (batches[index] for index in range(len(batches)))


def _dataset(*, shuffled: bool = False) -> Any:
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(images())
    if shuffled:
        dataset = dataset.shuffle(8)
    return dataset.batch(4)


def _trained_on(data: Any, **fit: Any) -> Work:
    x, y = images(2)
    # Keras warns of its own default for data that it cannot shuffle.
    return Work(small(), (data,), x, y, {"shuffle": False, **fit})


def _with_probe(probe: Any, data: Any = None) -> Work:
    return Work(small(), images() if data is None else (data,), probe)


def _refused(reason: str) -> dict[str, str]:
    """A cell of every method that takes probe images."""
    taking = ("ActivationGrid", "Hypercolumns", "LayerHealth", "GradCAM", "Saliency")
    return dict.fromkeys(taking, reason)


CASES = [
    Case("an image and a vector", _image_and_vector, BACKENDS, every_column=True, shows=("conv",)),
    Case(
        "two images",
        _two_images,
        BACKENDS,
        shows=("conv_left", "conv_right", "joined"),
        remark="maximization paints on both; the first one is shown",
    ),
    Case(
        "`Rescaling` and augmentation layers inside",
        _preprocessing,
        BACKENDS,
        shows=("conv",),
    ),
    Case(
        "training data: `tf.data`",
        lambda: _trained_on(_dataset(shuffled=True)),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "training data: `PyDataset`",
        lambda: _trained_on(Sequence()),
        BACKENDS,
        shows=("conv",),
    ),
    Case(
        "training data: a generator",
        lambda: _trained_on(_generator(), steps_per_epoch=2),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "probe images: `tf.data`",
        lambda: _with_probe(_dataset()),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "probe images: `PyDataset`",
        lambda: _with_probe(Sequence()),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "probe images: a callable",
        lambda: _with_probe(lambda: images(2)),
        (TENSORFLOW,),
        shows=("conv",),
    ),
    Case(
        "probe images: a `tf.data` that reshuffles",
        lambda: _with_probe(_dataset(shuffled=True)),
        (TENSORFLOW,),
        cells=_refused(
            "images received a tf.data.Dataset that reshuffles each time it is read; reading it "
            "would change the order that training sees. Pass dataset.take(1) of an unshuffled "
            "dataset, one made with shuffle(..., reshuffle_each_iteration=False), or a batch as "
            "arrays"
        ),
    ),
    Case(
        "probe images: a generator",
        lambda: _with_probe(_generator()),
        BACKENDS,
        cells=_refused(
            "images received a generator; reading a batch here would take it away from training; "
            "pass one batch (an array), or a callable that returns a new batch"
        ),
    ),
]
