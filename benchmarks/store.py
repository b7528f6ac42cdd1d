"""Measure the store and the server on a long run: writing, opening, polling and viewing.

Writes 1000 epochs x 50 layers x 4 images (5 GB) and a quarter of it without training, then asks a
TensorBoard of this environment. Sizes are exact; times depend on the machine, so each is also
given as a multiple of a loop that adds five million numbers, timed in the same run. Linux only.

Example:
    python benchmarks/store.py --epochs 50
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from serving import Client, TensorBoard, percentiles, step_changes
from synthetic_runs import SyntheticRun, append_all, make_layers, perturbed, write_run

from tbviz.store.disk.locations import store_directory
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

IMAGES = 4
_STARTS = 5  # of TensorBoard, with and without the plugin each
_OPEN = """
import json, os, sys, time
from tbviz.plugin import handlers
from tbviz.store.read.reader import Reader
from tbviz.store.read import run_index
def resident():
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
before, begin, cpu = resident(), time.perf_counter(), time.process_time()
reader = Reader(sys.argv[1])
reader.refresh()
wall, cpu, after = time.perf_counter() - begin, time.process_time() - cpu, resident()
sheets = sum(len(columns) for segment in reader.segments for columns in segment.series.values())
print(json.dumps([wall, cpu, after - before, sheets]))
"""


def calibration() -> float:
    """Return the CPU seconds of a fixed loop, the fastest of three."""

    def loop() -> float:
        begin, total = time.process_time(), 0
        for number in range(5_000_000):
            total += number
        return time.process_time() - begin

    return min(loop() for _ in range(3))


class Table:
    """Print one figure per line."""

    def __init__(self) -> None:
        self._loop = calibration()
        self.row("calibration loop", self._loop * 1000, "ms", timed=False)

    def row(self, what: str, value: float, unit: str, *, timed: bool = True) -> None:
        """Print one figure; times in ms also as a multiple of the loop."""
        ratio = f"{value / 1000 / self._loop:8.3f} loops" if timed and unit == "ms" else ""
        print(f"{what:64} {value:12,.1f} {unit:10} {ratio}", flush=True)


def measure_writing(table: Table, log_dir: Path, layers: list, epochs: int) -> None:
    """Write a run with the background writer at full speed, and print how fast that is."""
    run = SyntheticRun(layers, epochs, IMAGES)
    writer = Writer(log_dir)
    background = BackgroundWriter(writer)
    run.begin(writer)
    handing, waiting, making = [], 0.0, 0.0
    begin = time.perf_counter()
    for epoch in range(epochs):
        started = time.perf_counter()
        records = run.position(epoch)
        making += time.perf_counter() - started
        started = time.perf_counter()
        background.drain()
        waiting += time.perf_counter() - started
        started = time.perf_counter()
        background.submit(lambda writer, records=records: append_all(writer, records))
        handing.append(time.perf_counter() - started)
    background.drain()
    wall = time.perf_counter() - begin
    background.submit(run.end)
    background.close()
    handing.sort()
    table.row("writer: on disk, synced, at full speed", writer.size / wall / 1e6, "MB/s")
    cpu = writer.size / background.cpu_seconds / 1e6
    table.row("writer: per CPU second of its thread", cpu, "MB")
    table.row("a position on disk", writer.size / epochs / 1e6, "MB", timed=False)
    table.row("main thread: submitting a position, median", handing[epochs // 2] * 1e3, "ms")
    table.row(
        "main thread: waiting for the one before, at full speed", waiting / epochs * 1e3, "ms"
    )


def measure_opening(table: Table, log_dir: Path) -> None:
    """Open a store in a fresh process."""
    command = [sys.executable, "-c", _OPEN, str(store_directory(log_dir))]
    runs = [json.loads(subprocess.check_output(command, text=True)) for _ in range(3)]
    wall, cpu, resident, sheets = min(runs)
    name = f"opening {sheets:,} images"
    table.row(f"{name}: wall", wall * 1e3, "ms")
    table.row(f"{name}: CPU", cpu * 1e3, "ms")
    table.row(f"{name}: memory", resident / 1e6, "MB", timed=False)
    table.row(f"{name}: memory per image", resident / sheets, "bytes", timed=False)


def measure_answers(table: Table, client: Client, log_dir: Path, layers: list, epochs: int) -> None:
    """Measure the answers that a page requests: their compressed sizes, and some durations."""
    opened = client.ask("index")
    table.row("on the wire: opening (./index)", client.received, "bytes", timed=False)
    series = client.ask("series", kind="activations", layer=layers[0].path)
    name = f"on the wire: a series of {len(series['crc']):,} sheets"
    table.row(name, client.received, "bytes", timed=False)
    table.row(f"answering it, median of {Client.TIMES}", client.median("series",
              kind="activations", layer=layers[0].path), "ms")  # fmt: skip
    client.ask("index", since=opened["cursor"])
    table.row("on the wire: a poll without news", client.received, "bytes", timed=False)
    table.row("answering it, median", client.median("index", since=opened["cursor"]), "ms")
    run = SyntheticRun(layers, epochs + 1, IMAGES, seed=7)
    writer = Writer(log_dir)
    run.begin(writer)
    append_all(writer, run.position(epochs))
    writer.flush()
    time.sleep(2)  # a page polls every 2.5 s, a run is refreshed every 0.5 s
    opened = client.ask("index", since=opened["cursor"])
    append_all(writer, run.position(epochs + 1))
    writer.close()
    time.sleep(2)
    news = client.ask("index", since=opened["cursor"])
    if sum(run[2] for run in news["positions"]) != 1:
        sys.exit(f"received {news['positions']}, expected one new position")
    table.row("on the wire: a poll with one new position", client.received, "bytes", timed=False)
    for name, asked in (
        ("dead channels of all layers", {"names": "dead"}),
        ("an outline of all layers' means", {"names": "mean", "points": 64}),
        ("all health of a layer", {"layer": layers[0].path}),
        ("all health of all layers", {}),
    ):
        client.ask("health", **asked)
        table.row(f"on the wire: {name}", client.received, "bytes", timed=False)


def measure_sheets(table: Table, client: Client, log_dir: Path, layers: list) -> None:
    """Measure how long sheets take over HTTP, for one client and for many at once."""
    packs = list(store_directory(log_dir).glob("*.pack"))
    for route, sheets in (("sheet", 1), ("sheets", IMAGES), ("sheets", 64)):
        for clients in (1, 16):
            for cold in (True, False):
                took = step_changes(client, layers, packs, route, sheets, clients, cold=cold)
                state = "cold" if cold else "warm"
                name = f"./{route}, {sheets} sheet{'s'[: sheets > 1]}, {clients} clients, {state}"
                for share, value in percentiles(took).items():
                    table.row(f"{name}: {share}", value * 1e3, "ms")


def measure_tensorboard(table: Table, logdir: Path) -> None:
    """Measure time and CPU to first answers, and memory, with and without the plugin, in turn."""
    with TensorBoard(logdir, plugin=False):
        pass  # reads its own files from the disk
    took: defaultdict[str, list[float]] = defaultdict(list)
    for start in range(2 * _STARTS):
        plugin = start % 2 == 1
        name = "with tbviz" if plugin else "without"
        with TensorBoard(logdir, plugin=plugin) as board:
            took[f"TensorBoard {name}: first ./data/plugins_listing"].append(board.first * 1e3)
            took[f"TensorBoard {name}: its CPU by then"].append(board.used * 1e3)
            if plugin:
                client = Client(board.base, "full")
                took["TensorBoard: first ./runs after it"].append(client.first("runs"))
                took["TensorBoard: first ./index after it"].append(client.first("index"))
                client.ask("series", kind="activations", layer="stage1/block1/conv")
            time.sleep(2)
            resident = board.resident / 1e6
        if start >= 2 * _STARTS - 2:
            table.row(f"TensorBoard {name}: memory", resident, "MB", timed=False)
    for what, values in sorted(took.items()):
        table.row(f"{what}, median of {len(values)}", statistics.median(values), "ms")
        table.row(f"{what}, quickest", min(values), "ms")
        table.row(f"{what}, slowest", max(values), "ms")


def measure_many_runs(table: Table, logdir: Path, layers: list) -> None:
    """Measure a log directory with 200 runs."""
    for number in range(200):
        write_run(logdir / f"run{number:03d}", layers[:5], 3, IMAGES, seed=number)
    with TensorBoard(logdir, plugin=True) as board:
        client = Client(board.base, "run000")
        table.row("200 runs: first ./runs", client.first("runs"), "ms")
        while any(run["positions"] is None for run in client.ask("runs")["runs"]):
            time.sleep(0.6)
        time.sleep(1)
        table.row("200 runs: later ./runs, median", client.median("runs", rest=0.6), "ms")
        table.row("200 runs: on the wire", client.received, "bytes", timed=False)
        table.row("200 runs: memory of TensorBoard", board.resident / 1e6, "MB", timed=False)


def measure_against_summary(table: Table, layers: list) -> None:
    """Compare the bytes of a sheet with those of `tf.summary.image` for the same picture."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        import tensorflow as tf
    except ImportError:
        print("tensorflow is not installed: no comparison with tf.summary.image")
        return
    import numpy as np
    from PIL import Image

    random = np.random.default_rng(0)
    pictures = [layer.sheets[0].png for layer in layers]
    with tempfile.TemporaryDirectory() as folder:
        with tf.summary.create_file_writer(folder).as_default():
            for step, png in enumerate(pictures):
                path = Path(folder) / "picture.png"
                path.write_bytes(png)
                with Image.open(path) as image:
                    tf.summary.image("sheet", np.asarray(image)[None, :, :, None], step=step)
        stored = sum(path.stat().st_size for path in Path(folder).glob("*tfevents*"))
    ours = sum(len(perturbed(png, random)) for png in pictures)
    table.row("a sheet here", ours / len(pictures), "bytes", timed=False)
    table.row("the same by tf.summary.image", stored / len(pictures), "bytes", timed=False)


def main() -> None:
    """Write, request, and print one table."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--epochs", type=int, default=1000)
    options.add_argument("--layers", type=int, default=50)
    options.add_argument("--directory", type=Path, help="write here and delete nothing")
    given = options.parse_args()
    with tempfile.TemporaryDirectory(prefix="tbviz-bench-") as temporary:
        measure(Path(given.directory or temporary), given.epochs, given.layers)


def measure(directory: Path, epochs: int, layer_count: int) -> None:
    """Print the table."""
    logdir, quarter, many = (directory / name for name in ("logs", "quarter", "many"))
    layers = make_layers(layer_count, IMAGES)
    table = Table()
    measure_writing(table, logdir / "full", layers, epochs)
    write_run(quarter, layers, max(1, epochs // 4), IMAGES)
    steps: list[Callable[[], None]] = [
        lambda: measure_opening(table, quarter),
        lambda: measure_opening(table, logdir / "full"),
        lambda: measure_tensorboard(table, logdir),
    ]
    for step in steps:
        step()
    with TensorBoard(logdir, plugin=True) as board:
        client = Client(board.base, "full")
        measure_sheets(table, client, logdir / "full", layers)
        measure_answers(table, client, logdir / "full", layers, epochs)
    measure_many_runs(table, many, layers)
    measure_against_summary(table, layers)


if __name__ == "__main__":
    main()
