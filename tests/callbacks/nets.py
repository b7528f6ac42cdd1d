"""Small networks and data for real fits, and functions that read a run back."""

from __future__ import annotations

import functools
import json
import threading
from pathlib import Path

import keras
import numpy as np

import tbviz
from tbviz.images.ranges import dequantize
from tbviz.images.sheet import decode, split
from tbviz.methods.maximization.settings import Ascent
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader

SIDE = 8
CLASSES = 3
NAMES = ["left", "right", "both"]

K = keras.layers


def data(count: int = 24, channels: int = 1, seed: int = 0):
    """Images between 0 and 1, and which side of them is bright."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, CLASSES, count)
    images = random.random((count, SIDE, SIDE, channels)).astype("float32") * 0.4
    images[labels != 1, :, : SIDE // 2] += 0.6
    images[labels != 0, :, SIDE // 2 :] += 0.6
    return images, labels


def layers(channels: int = 1):
    return [
        keras.Input((SIDE, SIDE, channels), name="image"),
        K.Conv2D(3, 3, activation="relu", padding="same", name="conv1"),
        K.MaxPooling2D(name="pool"),
        K.Conv2D(4, 3, name="conv2"),
        K.ReLU(name="relu"),
        K.GlobalAveragePooling2D(name="average"),
        K.Dense(CLASSES, activation="softmax", name="classes"),
    ]


def compiled(model, loss="sparse_categorical_crossentropy", rate=0.01, **settings):
    model.compile(keras.optimizers.SGD(rate), loss, **settings)
    return model


def sequential(seed: int = 0, **settings):
    keras.utils.set_random_seed(seed)
    return compiled(keras.Sequential(layers(), name="tiny"), **settings)


@functools.cache
def _compiled_once():
    model = sequential()
    model.optimizer.build(model.trainable_variables)
    variables = [*model.variables, *model.optimizer.variables]
    return model, [(one, keras.ops.convert_to_numpy(one)) for one in variables]


def cached_model():
    """Return the sequential model with its first weights; it is compiled only once."""
    model, values = _compiled_once()
    for variable, value in values:
        variable.assign(value)
    return model


def functional(seed: int = 0):
    keras.utils.set_random_seed(seed)
    first, *rest = layers()
    value = first
    for layer in rest:
        value = layer(value)
    return compiled(keras.Model(first, value, name="tiny"))


def vectors(seed: int = 0):
    """A model without any feature map."""
    keras.utils.set_random_seed(seed)
    stack = [keras.Input((5,)), K.Dense(4, activation="relu"), K.Dense(2, activation="softmax")]
    return compiled(keras.Sequential(stack))


class Draws(K.Layer):
    """Draws also when it predicts, as a variational autoencoder's sampling does."""

    def __init__(self):
        super().__init__()
        self.seed = keras.random.SeedGenerator(5)

    def call(self, inputs):
        return inputs + 0.01 * keras.random.normal(keras.ops.shape(inputs), seed=self.seed)


def drawing(*between):
    """Dropout, batch normalization, augmentation and a layer that draws when it predicts."""
    keras.utils.set_random_seed(11)
    stack = [
        keras.Input((SIDE, SIDE, 1)),
        K.RandomFlip(seed=1),
        K.Conv2D(3, 3, name="conv1"),
        K.BatchNormalization(),
        K.ReLU(),
        Draws(),
        *between,
        K.SpatialDropout2D(0.2),
        K.Conv2D(3, 3, activation="relu", name="conv2"),
        K.GlobalAveragePooling2D(),
        K.Dropout(0.3),
        K.Dense(CLASSES, activation="softmax"),
    ]
    return keras.Sequential(stack)


class Sub(keras.Model):
    """A subclassed model, siblings of one name in a list."""

    def __init__(self):
        super().__init__()
        self.blocks = [K.Conv2D(2, 3, activation="relu", name="conv") for _ in range(2)]
        self.average = K.GlobalAveragePooling2D()
        self.head = K.Dense(CLASSES, activation="softmax")

    def call(self, inputs):
        for block in self.blocks:
            inputs = block(inputs)
        return self.head(self.average(inputs))


def monitor(log_dir, images, labels=None, names=None, maximized="conv2", **settings):
    """`Monitor`, strict, with a short ascent of one layer: each has to be compiled."""
    made = tbviz.Monitor(log_dir, images, labels, class_names=names, strict=True, **settings)
    made.callbacks[-1].ascent, made.callbacks[-1].layers = Ascent(steps=2), maximized
    return made


# Reading


def metas(log_dir: str | Path, kind: str | None = None) -> list[dict]:
    """The metas of a run's records, from its index files, in the order of writing."""
    found = []
    for path in sorted(store_directory(log_dir).glob("*.jsonl")):
        *lines, _ = path.read_text("utf-8").split("\n")  # the last one may be being written
        found += [json.loads(line) for line in lines]
    return [meta for meta in found if kind in {None, meta["kind"]}]


def positions(log_dir) -> list[tuple[int, int, int | None, bool]]:
    """Segment, epoch, batch and final of each position."""
    return [(segment, *position) for segment, position in open_reader(log_dir).positions]


def tiles(log_dir, kind: str, layer: str, position: int, image: int = 0):
    """The values that a sheet's tiles hold (or their pixels), and half a level of each."""
    run = open_reader(log_dir)
    segment, _ = run.location(position)
    decoded = decode(run.picture(kind, layer, position, image))
    columns = run.columns(kind, layer)
    identifier = columns[-1][2].layouts[-1][0]
    layout = segment.layouts[identifier].meta
    pixels = split(decoded.pixels, tuple(layout["tile"]), layout["tiles"])
    if decoded.ranges is None:
        return pixels, None
    low, high = decoded.ranges[:, 0], decoded.ranges[:, 1]
    half = np.maximum((high - low) / 252 / 2, 1e-7)
    return dequantize(pixels, low, high), half[:, None, None]


def wait_for_writer() -> None:
    """Wait until everything handed over is on disk, or has failed."""
    for thread in threading.enumerate():
        if thread.name == "tbviz-writer":
            thread.join()


def ends(log_dir) -> list[str | None]:
    """How each segment ended."""
    return [
        None if segment.finish is None else segment.finish["status"]
        for segment in open_reader(log_dir).segments
    ]


def notices(log_dir, level: str | None = None) -> list[dict]:
    return [meta for meta in metas(log_dir, "notice") if level in {None, meta["level"]}]


def tree(log_dir) -> dict[str, dict]:
    """The last segment's layer tree, by path."""
    run = open_reader(log_dir)
    entry = run.segments[-1].models[-1]
    return {node["path"]: node for node in json.loads(run.read(entry.sheets[0]))["nodes"]}
