"""Runs in S3 for real: what writing, opening and looking cost in requests, seconds and bytes.

A local S3 server (moto) is started with a latency of its own, since a real one's is what counts.
It needs an environment without TensorFlow, beside which TensorBoard refuses s3://:

    python -m venv /tmp/s3 && /tmp/s3/bin/pip install '.[remote]' s3fs 'moto[server]'
    /tmp/s3/bin/python benchmarks/s3.py --positions 300 --latency 20
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Self

BUCKET = "tbviz-benchmark"
RUN = f"s3://{BUCKET}/logs/run"


def serve(port: int, latency: float) -> None:
    """Be the S3 server; `/_count` answers what was asked of it since the last time."""
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
    from werkzeug.serving import WSGIRequestHandler, run_simple

    backend = DomainDispatcherApplication(create_backend_app)
    counts: Counter[str] = Counter()
    lock = threading.Lock()

    def counting(environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/_count":
            with lock:
                answer = json.dumps(counts).encode()
                counts.clear()
            start_response("200 OK", [("Content-Type", "application/json")])
            return [answer]
        time.sleep(latency)
        name = environ["REQUEST_METHOD"]
        if "list-type" in environ["QUERY_STRING"]:
            name = "LIST"

        def counted(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            size = dict(headers).get("Content-Length", 0) if name == "GET" else 0
            with lock:
                counts[name] += 1
                counts["bytes"] += int(size)
            return start_response(status, headers, *rest)

        return backend(environ, counted)

    class Quiet(WSGIRequestHandler):
        def log_request(self, *_: object) -> None:
            return

    run_simple("127.0.0.1", port, counting, threaded=True, request_handler=Quiet)


class Server:
    """A process that is ready when its address answers, and ends with the block."""

    def __init__(self, command: list[str], ready: str, **environment: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the block
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env={**os.environ, **environment},
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )
        self._ready = ready

    def __enter__(self) -> Self:
        for _ in range(1200):
            try:
                fetch(self._ready)
            except OSError:
                if self._process.poll() is not None:
                    break
                time.sleep(0.05)
            else:
                return self
        self.__exit__()
        self._output.seek(0)
        sys.exit(self._output.read().decode())

    def __exit__(self, *_: object) -> None:
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(20)

    @property
    def memory(self) -> float:
        """What it holds of physical memory, in MB; not a number where /proc is not."""
        try:
            text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        except OSError:
            return float("nan")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1e3


def fetch(url: str) -> bytes:
    """What an address answers."""
    with urllib.request.urlopen(url, timeout=120) as response:
        return bytes(response.read())


class Bench:
    """Measures and prints, a line each."""

    def __init__(self, endpoint: str, board: str) -> None:
        self._endpoint = endpoint
        self._board = f"{board}/data/plugin/tbviz"

    def ask(self, route: str, **parameters: object) -> bytes:
        """What a route of the plugin answers."""
        return fetch(f"{self._board}/{route}?{urllib.parse.urlencode(parameters)}")

    def said(self, what: str, seconds: float, divide: int = 1) -> None:
        """Print what it took, and what it asked of S3."""
        counts = json.loads(fetch(f"{self._endpoint}/_count"))
        got = counts.pop("bytes", 0)
        asked = ", ".join(f"{number} {name}" for name, number in sorted(counts.items())) or "none"
        each = f"{seconds / divide * 1e3:9.1f} ms"
        print(f"{what:<44}{each}   requests: {asked}; {got / 1e6:.2f} MB read")

    def write(self, positions: int, layers: int, images: int) -> None:
        """Write a run with the writer."""
        from fabricated_runs import FabricatedRun, append_all, make_layers

        from tbviz.store import Writer

        writer = Writer(RUN)
        run = FabricatedRun(make_layers(layers, images), positions, images)
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
        self.said("writing one position (median)", statistics.median(seconds))
        print(f"{'CPU of making and writing one position':<44}{used / positions * 1e3:9.1f} ms")

    def view(self, started: float) -> None:
        """Ask what the page asks."""
        while not json.loads(self.ask("runs"))["runs"]:
            time.sleep(0.02)
        self.said("TensorBoard's start to the run being found", time.perf_counter() - started)
        begin = time.perf_counter()
        index = json.loads(self.ask("index", run="run"))
        count = sum(run[2] for run in index["positions"])
        self.said(f"opening: index of {count} positions", time.perf_counter() - begin)
        begin = time.perf_counter()
        self.ask("index", run="run", since=index["cursor"])
        self.said("a poll without news", time.perf_counter() - begin)
        head = next(head for head in index["series"] if head["kind"] == "activations")
        begin = time.perf_counter()
        series = json.loads(self.ask("series", run="run", kind=head["kind"], layer=head["layer"]))
        self.said("one series", time.perf_counter() - begin)
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
        self.said(f"one sheet (median of {len(seconds)})", statistics.median(seconds))
        begin = time.perf_counter()
        self.ask("sheets", run="run", sheets=",".join(sheets[:: len(sheets) // 50][:48]))
        self.said("48 sheets of 48 positions at once", time.perf_counter() - begin)
        begin = time.perf_counter()
        self.ask("strip", run="run", kind=head["kind"], layer=head["layer"], image=0, tiles="0",
                 positions=f"0-{min(count, 100) - 1}")  # fmt: skip
        self.said("a strip of 100 positions", time.perf_counter() - begin)


def main() -> None:
    """Measure, print."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--positions", type=int, default=300)
    options.add_argument("--layers", type=int, default=20)
    options.add_argument("--images", type=int, default=4)
    options.add_argument("--latency", type=float, default=20.0, help="of each request, in ms")
    options.add_argument("--port", type=int, default=5590)
    options.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    given = options.parse_args()
    if given.serve:
        serve(given.port, given.latency / 1e3)
        return
    endpoint, board = (f"http://127.0.0.1:{port}" for port in (given.port, given.port + 1))
    environment = {
        "AWS_ENDPOINT_URL": endpoint,
        "S3_ENDPOINT": endpoint,  # what TensorBoard's own reader of S3 looks at
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    os.environ.update(environment)
    command = [__file__, "--serve", "--port", str(given.port), "--latency", str(given.latency)]
    with Server(command, f"{endpoint}/_count"):
        import s3fs

        s3fs.S3FileSystem().mkdir(BUCKET)
        bench = Bench(endpoint, board)
        fetch(f"{endpoint}/_count")
        print(f"latency of each request: {given.latency:.0f} ms")
        bench.write(given.positions, given.layers, given.images)
        flags = ["--logdir", f"s3://{BUCKET}/logs", "--port", str(given.port + 1), "--bind_all"]
        started = time.perf_counter()
        with Server(["-m", "tensorboard.main", *flags], f"{board}/data/plugins_listing") as viewer:
            bench.said("TensorBoard's start to its first answer", time.perf_counter() - started)
            bench.view(started)
            print(f"{'memory of TensorBoard':<44}{viewer.memory:9.1f} MB")


if __name__ == "__main__":
    main()
