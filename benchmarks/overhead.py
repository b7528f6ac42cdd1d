"""The overhead of snapshots in the training of the demo: fits with and without them, in pairs.

Each fit has a process of its own. Pairs are interleaved, since identical fits differ from one
minute to the next; the ratio of a pair is what counts, and the median of the pairs. Compiling
comes once a fit and is in no budget: the second column leaves it out as the run has logged it,
the third leaves the whole first epoch out on both sides. The run counts its own
overhead, which other work on the machine disturbs less: the column before the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tbviz.store.read.cost_sums import CostSums


def measure(with_tbviz: bool, epochs: int, share: float | None) -> dict[str, float]:
    """Train the demo's network; return its seconds, those of its first epoch, of compiling."""
    import keras

    from tbviz.cli.demo import demo_callbacks
    from tbviz.demo import network, photographs
    from tbviz.store.read.reader import open_reader

    ends: list[float] = []

    class Gauge(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            ends.append(time.perf_counter())

    dataset = photographs.load()
    keras.utils.set_random_seed(7)
    model = network.build(dataset)
    validation = (dataset.validation_images, dataset.validation_labels)
    with tempfile.TemporaryDirectory() as log_dir:
        ours = demo_callbacks(Path(log_dir), dataset, share) if with_tbviz else []
        begin = time.perf_counter()
        model.fit(
            dataset.train_images,
            dataset.train_labels,
            batch_size=32,
            epochs=epochs,
            validation_data=validation,
            callbacks=[*ours, Gauge()],
            verbose=0,
        )
        seconds = time.perf_counter() - begin
        sums = open_reader(log_dir).segments[0].costs if with_tbviz else None
    return {
        "seconds": seconds,
        "first": ends[0] - begin,
        "compile": 0.0 if sums is None else sums.compile,
        "main": 0.0 if sums is None else sums.main,
        "logged": 0.0 if sums is None else logged_share(sums),
        "snapshots": 0.0 if sums is None else sum(m.snapshots for m in sums.methods.values()),
    }


def logged_share(sums: CostSums) -> float:
    """Return the share of training time that the run itself has counted, as the page shows it."""
    waited = sums.main + sums.wait
    return (waited + (sums.factor or 0.0) * sums.writer) / (sums.wall - waited - sums.compile)


def pair(epochs: int, share: float | None, number: int) -> tuple[dict, dict]:
    """Run one fit without and one with tbviz, the order changing from pair to pair."""
    found = {}
    for side in ("without", "with") if number % 2 == 0 else ("with", "without"):
        command = [sys.executable, __file__, "--side", side, "--epochs", str(epochs)]
        if share is not None:
            command += ["--max-overhead", str(share)]
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
        printed = subprocess.run(
            command, env=environment, check=True, capture_output=True, text=True
        )
        found[side] = json.loads(printed.stdout.splitlines()[-1])
    return found["without"], found["with"]


def main() -> None:
    """Trains pair after pair and prints a line each, then medians and spread."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pairs", type=int, default=10)
    options.add_argument("--epochs", type=int, default=12)
    options.add_argument("--max-overhead", type=float, default=None)
    options.add_argument("--side", choices=("without", "with"), help="measure here, print JSON")
    given = options.parse_args()
    if given.side:
        found = measure(given.side == "with", given.epochs, given.max_overhead)
        print(json.dumps(found))
        return
    print(f"{given.epochs} epochs, max_overhead={given.max_overhead}")
    header = ("without", "with", "snapshots", "main", "compile", "logged")
    header += ("ratio", "-compile", "-epoch 0")
    print(("{:>9}" * len(header)).format(*header))
    ratios = []
    for number in range(given.pairs):
        bare, seen = pair(given.epochs, given.max_overhead, number)
        ratios.append(
            (
                seen["seconds"] / bare["seconds"],
                (seen["seconds"] - seen["compile"]) / bare["seconds"],
                (seen["seconds"] - seen["first"]) / (bare["seconds"] - bare["first"]),
            )
        )
        row = (bare["seconds"], seen["seconds"], seen["snapshots"], seen["main"], seen["compile"])
        print(
            f"{row[0]:9.1f}{row[1]:9.1f}{row[2]:9.0f}{row[3]:9.2f}{row[4]:9.2f}"
            f"{seen['logged']:9.3f}" + "".join(f"{ratio:9.3f}" for ratio in ratios[-1]),
            flush=True,
        )
    low, median, high = np.percentile(ratios, [25, 50, 75], axis=0)
    for name, values in (("median", median), ("25 %", low), ("75 %", high)):
        print(f"{name:>54}" + "".join(f"{value:9.3f}" for value in values))


if __name__ == "__main__":
    main()
