"""Runs in S3 for real: the cost of writing, opening and viewing in requests, seconds and bytes.

A local S3 server (moto) is started with a latency of its own, since a real one's is what counts.
It needs an environment without TensorFlow, beside which TensorBoard refuses s3://:

    make bench-s3 ARGS='--positions 300 --latency 20'

Whether it all holds is what `make check-s3` asks.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
import urllib.parse

from s3_server import environment, fetch, free_port, s3_server, viewer

BUCKET = "tbviz-benchmark"
RUN = f"s3://{BUCKET}/logs/run"


class Bench:
    """Measures and prints, a line each."""

    def __init__(self, endpoint: str, board: str) -> None:
        self._endpoint = endpoint
        self._board = f"{board}/data/plugin/tbviz"

    def ask(self, route: str, **parameters: object) -> bytes:
        """What a route of the plugin answers."""
        return fetch(f"{self._board}/{route}?{urllib.parse.urlencode(parameters)}")

    def report(self, what: str, seconds: float, divide: int = 1) -> None:
        """Print what it took, and what it asked of S3."""
        counts = json.loads(fetch(f"{self._endpoint}/_count"))
        got = counts.pop("bytes", 0)
        asked = ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
        each = f"{seconds / divide * 1e3:9.1f} ms"
        print(f"{what:<44}{each}   requests: {asked}; {got / 1e6:.2f} MB read")

    def write(self, positions: int, layers: int, images: int) -> None:
        """Write a run with the writer."""
        from synthetic_runs import SyntheticRun, append_all, make_layers

        from tbviz.store.write.writer import Writer

        writer = Writer(RUN)
        run = SyntheticRun(make_layers(layers, images), positions, images)
        run.begin(writer)
        writer.flush()
        seconds, start = [], time.process_time()
        for epoch in range(positions):
            append_all(writer, run.position(epoch))
            begin = time.perf_counter()
            writer.flush()
            seconds.append(time.perf_counter() - begin)
        used = time.process_time() - start
        run.end(writer)
        writer.close()
        size = writer.size / positions / 1e6
        print(f"{positions} positions of {layers} layers x {images} images, {size:.2f} MB each")
        self.report("writing one position (median)", statistics.median(seconds))
        print(f"{'CPU of making and writing one position':<44}{used / positions * 1e3:9.1f} ms")

    def view(self, started: float) -> None:
        """Ask what the page asks."""
        while not json.loads(self.ask("runs"))["runs"]:
            time.sleep(0.02)
        self.report("TensorBoard's start to the run being found", time.perf_counter() - started)
        begin = time.perf_counter()
        index = json.loads(self.ask("index", run="run"))
        count = sum(run[2] for run in index["positions"])
        self.report(f"opening: index of {count} positions", time.perf_counter() - begin)
        begin = time.perf_counter()
        self.ask("index", run="run", since=index["cursor"])
        self.report("a poll without news", time.perf_counter() - begin)
        head = next(head for head in index["series"] if head["kind"] == "activations")
        begin = time.perf_counter()
        series = json.loads(self.ask("series", run="run", kind=head["kind"], layer=head["layer"]))
        self.report("one series", time.perf_counter() - begin)
        writer = series["writers"][0][0]
        sheets = [
            f"{writer}:{offset}:{length}:{crc}"
            for offset, length, crc in zip(
                series["offset"], series["length"], series["crc"], strict=True
            )
        ]
        seconds = []
        for sheet in sheets[:: max(1, len(sheets) // 50)]:
            parts = dict(zip(("writer", "offset", "length", "crc"), sheet.split(":"), strict=True))
            begin = time.perf_counter()
            self.ask("sheet", run="run", **parts)
            seconds.append(time.perf_counter() - begin)
        self.report(f"one sheet (median of {len(seconds)})", statistics.median(seconds))
        begin = time.perf_counter()
        self.ask("sheets", run="run", sheets=",".join(sheets[:: max(1, len(sheets) // 50)][:48]))
        self.report("48 sheets of 48 positions at once", time.perf_counter() - begin)
        begin = time.perf_counter()
        self.ask("strip", run="run", kind=head["kind"], layer=head["layer"], image=0, tiles="0",
                 positions=f"0-{min(count, 100) - 1}")  # fmt: skip
        self.report("a strip of 100 positions", time.perf_counter() - begin)


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--positions", type=int, default=300)
    options.add_argument("--layers", type=int, default=20)
    options.add_argument("--images", type=int, default=4)
    options.add_argument("--latency", type=float, default=20.0, help="of each request, in ms")
    given = options.parse_args()
    port, board_port = free_port(), free_port()
    endpoint, board = (f"http://127.0.0.1:{number}" for number in (port, board_port))
    os.environ.update(environment(port))
    with s3_server(port, given.latency / 1e3):
        import s3fs

        s3fs.S3FileSystem().mkdir(BUCKET)
        bench = Bench(endpoint, board)
        fetch(f"{endpoint}/_count")
        print(f"latency of each request: {given.latency:.0f} ms")
        bench.write(given.positions, given.layers, given.images)
        started = time.perf_counter()
        with viewer(f"s3://{BUCKET}/logs", board_port) as tensorboard:
            bench.report("TensorBoard's start to its first answer", time.perf_counter() - started)
            bench.view(started)
            print(f"{'memory of TensorBoard':<44}{tensorboard.memory:9.1f} MB")


if __name__ == "__main__":
    main()
