"""The memory of `fit` with `tbviz.Monitor` after each epoch, beside the same without it.

Linux only: the resident set is read from /proc. The slope is that of a line through the epochs
after the warm-up (least squares), in which Keras compiles and allocators fill their pools.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from each_backend import BACKENDS, fresh_python, parser

SIDE, CLASSES, IMAGES = 8, 3, 32


def measure(with_monitor: bool, epochs: int) -> list[int]:
    """Train a toy net; return the process' resident set at each epoch's end, in kB."""
    import keras

    import tbviz

    page = os.sysconf("SC_PAGE_SIZE")
    resident: list[int] = []

    class Gauge(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
            resident.append(pages * page // 1024)

    keras.utils.set_random_seed(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 1)),
            layers.Conv2D(4, 3, activation="relu", padding="same", name="conv1"),
            layers.MaxPooling2D(name="pool"),
            layers.Conv2D(8, 3, activation="relu", name="conv2"),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(CLASSES, activation="softmax", name="classes"),
        ]
    )
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    random = np.random.default_rng(1)
    x = random.random((IMAGES, SIDE, SIDE, 1), dtype="float32")
    y = random.integers(0, CLASSES, IMAGES)
    with tempfile.TemporaryDirectory() as log_dir:
        ours = [tbviz.Monitor(log_dir, x[:2], y[:2], strict=True)] if with_monitor else []
        model.fit(x, y, batch_size=8, epochs=epochs, verbose=0, callbacks=[*ours, Gauge()])
    return resident


def main() -> None:
    """Measure both sides on each backend, each in a separate process, and print a table."""
    options = parser(__doc__)
    options.add_argument("--epochs", type=int, default=300)
    options.add_argument("--warm-up", type=int, default=50, help="epochs left out of the slope")
    options.add_argument("--side", choices=("without", "with"), help="measure here, print JSON")
    chosen = options.parse_args()
    if chosen.side:
        print(json.dumps(measure(chosen.side == "with", chosen.epochs)))
        return
    if chosen.epochs < chosen.warm_up + 2:
        sys.exit(f"received {chosen.epochs} epochs, expected {chosen.warm_up + 2} or more")
    print(f"{chosen.epochs} epochs, the first {chosen.warm_up} of them left out of the slope")
    print(
        f"{'backend':12} {'tbviz':8} {'kB / epoch':>12} {'MB after warm-up':>18} {'MB at end':>11}"
    )
    for backend in chosen.backend or BACKENDS:
        for side in ("without", "with"):
            printed = fresh_python(
                backend, __file__, "--side", side, "--epochs", str(chosen.epochs)
            )
            resident = np.array(json.loads(printed.splitlines()[-1]), float)[chosen.warm_up :]
            slope = np.polyfit(np.arange(len(resident)), resident, 1)[0]
            first, last = resident[[0, -1]] / 1024
            print(f"{backend:12} {side:8} {slope:12.2f} {first:18.1f} {last:11.1f}", flush=True)


if __name__ == "__main__":
    main()
