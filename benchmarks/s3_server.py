"""A local S3 server that counts what is asked of it, and processes that end with a block.

It needs moto, in an environment of its own (`make check-s3` makes one in .venv-s3).
"""

from __future__ import annotations

import argparse
import json
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections import Counter
from pathlib import Path
from typing import Any, Self


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
    """A process of this Python that is ready when its address answers, and ends with the block.

    Args:
        command: What Python gets.
        ready: The address.
    """

    def __init__(self, command: list[str], ready: str) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - closed with the block
        self._process = subprocess.Popen(
            [sys.executable, *command], stdout=self._output, stderr=subprocess.STDOUT
        )
        self.pid = self._process.pid
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
            text = Path(f"/proc/{self.pid}/status").read_text(encoding="ascii")
        except OSError:
            return float("nan")
        return int(text.partition("VmRSS:")[2].split()[0]) / 1e3


def fetch(url: str) -> bytes:
    """What an address answers."""
    with urllib.request.urlopen(url, timeout=120) as response:
        return bytes(response.read())


def s3_server(port: int, latency: float = 0.0) -> Server:
    """An S3 server on a port; each request takes `latency` seconds longer."""
    command = [__file__, "--port", str(port), "--latency", str(latency)]
    return Server(command, f"http://127.0.0.1:{port}/_count")


def viewer(logdir: str, port: int) -> Server:
    """A TensorBoard of this environment."""
    flags = ["--logdir", logdir, "--host", "127.0.0.1", "--port", str(port)]
    ready = f"http://127.0.0.1:{port}/data/plugins_listing"
    return Server(["-m", "tensorboard.main", *flags], ready)


def environment(port: int) -> dict[str, str]:
    """Return what s3fs, boto3 and TensorBoard's own reader of S3 read for that server."""
    endpoint = f"http://127.0.0.1:{port}"
    return {
        "AWS_ENDPOINT_URL": endpoint,
        "S3_ENDPOINT": endpoint,
        "AWS_ACCESS_KEY_ID": "none",
        "AWS_SECRET_ACCESS_KEY": "none",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("--port", type=int, required=True)
    options.add_argument("--latency", type=float, required=True)
    given = options.parse_args()
    serve(given.port, given.latency)
