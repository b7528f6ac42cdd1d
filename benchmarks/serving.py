"""Run a TensorBoard process, and clients that time it."""

from __future__ import annotations

import gzip
import json
import os
import random
import re
import subprocess
import sys
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_WAIT = 120
# The same program without one entry point.
_WITHOUT = """
import sys
from tensorboard import default, main
found = default._iter_entry_points
default._iter_entry_points = lambda group: [p for p in found(group) if p.name != "tbviz"]
sys.exit(main.run_main())
"""


class TensorBoard:
    """A TensorBoard process on a free port.

    Args:
        logdir: Its log directory.
        plugin: Whether it has the tab.

    Attributes:
        base: Its address.
        first: Seconds from start to the first answer of `data/plugins_listing`.
        used: CPU seconds of the process by then, its data server not counted.
    """

    def __init__(self, logdir: Path, *, plugin: bool) -> None:
        program = ["-m", "tensorboard.main"] if plugin else ["-c", _WITHOUT]
        flags = ["--logdir", str(logdir), "--host", "127.0.0.1", "--port", "0"]
        begin = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *program, *flags], stderr=subprocess.PIPE, text=True
        )
        self.base = self._address()
        listing = fetch(f"{self.base}/data/plugins_listing")
        self.first = time.perf_counter() - begin
        status = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="ascii")
        user, system = status.rpartition(")")[2].split()[11:13]
        self.used = (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")
        if ("tbviz" in decoded(listing)) is not plugin:
            sys.exit(f"expected TensorBoard {'with' if plugin else 'without'} the plugin")
        threading.Thread(target=self._process.stderr.read, daemon=True).start()

    def _address(self) -> str:
        for line in self._process.stderr or ():
            match = re.search(r"TensorBoard \S+ at (http://\S+?)/? \(", line)
            if match:
                return match[1]
        sys.exit("TensorBoard did not start")

    @property
    def resident(self) -> int:
        """Return the bytes of memory of the process, without its data server."""
        pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._process.terminate()
        self._process.wait(_WAIT)


def fetch(url: str) -> bytes:
    """Return the body of an answer, compressed or not."""
    request = urllib.request.Request(url, headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=_WAIT) as answer:
        return answer.read()


def decoded(body: bytes) -> Any:
    """Decode the JSON of an answer, compressed or not."""
    return json.loads(gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body)


class Client:
    """A client that asks about one run.

    Args:
        base: TensorBoard's address.
        run: The run.

    Attributes:
        received: Bytes of the last answer, as they came.
    """

    TIMES = 9

    def __init__(self, base: str, run: str) -> None:
        self._base = base
        self._run = run
        self.received = 0

    def url(self, route: str, **parameters: object) -> str:
        """Return the URL of a request."""
        query = urllib.parse.urlencode({"run": self._run, **parameters})
        return f"{self._base}/data/plugin/tbviz/{route}?{query}"

    def ask(self, route: str, **parameters: object) -> Any:
        """Send a request and decode its JSON answer."""
        body = fetch(self.url(route, **parameters))
        self.received = len(body)
        return decoded(body)

    def first(self, route: str, **parameters: object) -> float:
        """Return the milliseconds of one request."""
        begin = time.perf_counter()
        self.received = len(fetch(self.url(route, **parameters)))
        return (time.perf_counter() - begin) * 1e3

    def median(self, route: str, rest: float = 0.0, **parameters: object) -> float:
        """Return the median milliseconds of several requests."""
        took = []
        for _ in range(self.TIMES):
            time.sleep(rest)
            took.append(self.first(route, **parameters))
        return sorted(took)[self.TIMES // 2]


def step_changes(
    client: Client,
    layers: Sequence[Any],
    packs: Sequence[Path],
    route: str,
    sheets: int,
    clients: int,
    *,
    cold: bool,
    times: int = 12,
) -> list[float]:
    """Return the seconds of many requests of neighboring sheets.

    Args:
        client: A client of the run.
        layers: The layers of the run.
        packs: Files that are dropped from the page cache before each request if `cold`.
        route: `sheet` or `sheets`.
        sheets: The number of sheets per request.
        clients: The number of simultaneous clients.
        cold: Whether the files come from the disk.
        times: The number of requests per client.
    """
    draw = random.Random(clients * 1000 + sheets * 2 + cold)
    tables = [
        client.ask("series", kind="activations", layer=layers[draw.randrange(len(layers))].path)
        for _ in range(4)
    ]
    took: list[float] = []

    def one() -> None:
        for _ in range(times):
            table = draw.choice(tables)
            at = draw.randrange(max(1, len(table["crc"]) - sheets))
            addresses = [
                (table["writers"][0][0], *(table[name][k] for name in ("offset", "length", "crc")))
                for k in range(at, min(at + sheets, len(table["crc"])))
            ]
            if route == "sheet":
                names = ("writer", "offset", "length", "crc")
                url = client.url(route, **dict(zip(names, addresses[0], strict=True)))
            else:
                url = client.url(route, sheets=",".join(":".join(map(str, p)) for p in addresses))
            if cold:
                drop(packs)
            begin = time.perf_counter()
            body = fetch(url)
            took.append(time.perf_counter() - begin)
            if len(body) < sum(address[2] for address in addresses):
                sys.exit(f"received {len(body)} bytes of {route}, expected all sheets")

    threads = [threading.Thread(target=one) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def drop(paths: Sequence[Path]) -> None:
    """Ask the system to drop these files from its page cache."""
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


def percentiles(values: Sequence[float]) -> dict[str, float]:
    """Return the median and the 99th percentile."""
    ordered = sorted(values)
    return {"p50": ordered[len(ordered) // 2], "p99": ordered[int(0.99 * (len(ordered) - 1))]}
