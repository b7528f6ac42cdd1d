"""Make `format-2-parts` and `format-2-rewritten`: stores of a real fit with every callback.

Run `python tests/golden/make_stores.py DIRECTORY`, for a new version of the format, or of what the
golden stores do not hold yet: those that are here are read for ever and never written again. What
comes out stands beside them under a name of its own, with a test of every number. (`format-2` was
made by `tests/made_stores.py`. The stores of format 2 that are here were made in format 1 and
converted record by record: the content is the same, the names are new. `format-1` shows what is
refused.)

* `format-2-parts`: as in an object store, one part per position; with `max_overhead`.
* `format-2-rewritten`: two fits, the first of which was pruned, and the second repaired; orders.

How many snapshots were skipped depends on the machine: check the printed positions before you
commit the stores.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import fsspec
import keras
import numpy as np

import tbviz
from tbviz.store.control import Orders, write_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.read.reader import open_reader

SIDE, CLASSES = 8, ["left", "right", "both"]
URI = "memory://golden"


def data(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Make images from 0 to 255 of which one side is bright, or both."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % len(CLASSES)
    images = random.integers(0, 60, (count, SIDE, SIDE, 3)).astype("float32")
    images[labels != 1, :, : SIDE // 2] += 150
    images[labels != 0, :, SIDE // 2 :] += 150
    return images, labels


def network() -> keras.Model:
    """Build a network with all sorts of layers; three of the filters of `conv` are dead."""
    keras.utils.set_random_seed(0)
    layer = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3), name="image"),
            layer.Rescaling(1 / 255, name="rescaling"),
            layer.RandomFlip("horizontal", name="flip"),
            layer.SeparableConv2D(3, 3, padding="same", name="separable"),
            layer.Conv2D(4, 3, activation="relu", padding="same", name="conv"),
            layer.GlobalAveragePooling2D(name="average"),
            layer.Dense(len(CLASSES), activation="softmax", name="scores"),
        ],
        name="golden",
    )
    conv = model.get_layer("conv")
    kernel, _ = conv.get_weights()
    conv.set_weights([kernel, np.array([0.1, -9, -9, -9], "float32")])
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def callbacks(log_dir: str, max_overhead: float | None = None) -> list[keras.callbacks.Callback]:
    """Return one callback of every sort; the first four are those that every run should have."""
    x, y = data(2)
    limited: dict[str, Any] = {"max_overhead": max_overhead, "strict": True}
    named: dict[str, Any] = {"class_names": CLASSES, **limited}
    ascent = tbviz.Ascent(steps=4)
    return [
        tbviz.LayerHealth(log_dir, x, labels=y, thresholds=tbviz.Thresholds(window=1), **named),
        tbviz.ActivationGrid(log_dir, x, labels=y, layers=["conv", "scores"], **named),
        tbviz.GradCAM(log_dir, x, y, layers="conv", **named),
        tbviz.Kernels(log_dir, **limited),
        tbviz.GradCAM(log_dir, x, y, layers="conv", method="score-cam", **named),
        tbviz.Saliency(log_dir, x, y, **named),
        tbviz.Hypercolumns(log_dir, x, **limited),
        tbviz.Augmentation(log_dir, x, num_draws=2, schedule="epoch", **limited),
        tbviz.FilterMaximization(log_dir, layers="conv", filters=2, ascent=ascent, **limited),
        tbviz.ClassMaximization(log_dir, ascent=ascent, **named),
    ]


def in_parts(log_dir: str) -> None:
    """Write a fit to an object store, and copy the store to a directory."""
    x, y = data(6)
    network().fit(x, y, 2, epochs=4, verbose=0, callbacks=callbacks(URI, 0.5))
    fsspec.filesystem("memory").get(URI, log_dir, recursive=True)


def rewritten(log_dir: str) -> None:
    """Write two fits, prune the first and repair the second."""
    x, y = data(6)
    model = network()
    for begin, end in ((0, 3), (3, 4)):
        first_four = callbacks(log_dir)[:4]
        model.fit(x, y, 2, end, initial_epoch=begin, verbose=0, callbacks=first_four)
    store = store_directory(Path(log_dir))
    *_, second = sorted(store.glob("*.pack"))
    list(prune(store, KeepRule(every=None, last=1)))
    # As after a power failure during another write.
    second.write_bytes(second.read_bytes() + b"\x89tbv")
    list(repair(store))
    write_orders(store, Orders(paused=True, every=2, now=""))


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(parents=True)
    os.chdir(sys.argv[1])  # log directories have short names: no path of this machine is in them
    for name, make in (("format-2-parts", in_parts), ("format-2-rewritten", rewritten)):
        make(name)
        run = open_reader(name)
        print(name, run.positions, run.series())
