"""Whether runs in S3 are what they are on a disk: written by a fit, viewed, damaged, unreachable.

A local S3 server (moto) stands for Amazon's. This runs in an environment without TensorFlow,
beside which TensorBoard refuses s3://; the fits run in one that has it. Both have s3fs.
`make check-s3` makes them. Ends with status 1 where anything is wrong.

Example:
    .venv-s3/bin/python benchmarks/check_s3.py --trainer .venv/bin/python
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
from pathlib import Path
from typing import Any

import s3fs
from s3_server import environment, fetch, free_port, s3_server, viewer

from tbviz.store.errors import StoreError
from tbviz.store.read.reader import Reader, open_reader

BUCKET = "tbviz-check"
LOGS = f"s3://{BUCKET}/logs"
_EPOCHS = 4
_WAIT = 600  # seconds until something is given up
_COMMAND = "import sys; from tbviz.cli.main import main; sys.exit(main())"
# A store that takes a connection and says nothing is given up after seconds instead of minutes.
_IMPATIENT = {
    "FSSPEC_S3_CONFIG_KWARGS": json.dumps(
        {"read_timeout": 2, "connect_timeout": 2, "retries": {"max_attempts": 1}}
    )
}

Sheets = dict[tuple[str, str, int, int], bytes]


class Check:
    """Prints what holds and what does not.

    Args:
        trainer: The Python that has TensorFlow.
    """

    def __init__(self, trainer: Path) -> None:
        self._trainer = trainer
        self.wrong = 0

    def that(self, what: str, holds: bool, found: object = "") -> None:
        """Print one line: what is expected, and what was found."""
        self.wrong += not holds
        print(f"{'ok   ' if holds else 'WRONG'} {what}{f' ({found})' if found != '' else ''}",
              flush=True)  # fmt: skip

    def fit(self, log_dir: str | Path, *flags: object, **more: str) -> dict[str, Any]:
        """A seeded fit; what it prints, with no epoch trained where it fails or does not end."""
        script = Path(__file__).with_name("s3_fit.py")
        command = [self._trainer, script, log_dir, "--epochs", _EPOCHS, *flags]
        try:
            done = subprocess.run(
                [str(word) for word in command],
                env={**os.environ, **more},
                capture_output=True,
                text=True,
                timeout=_WAIT,
                check=True,
            )
        except subprocess.TimeoutExpired:
            return {"epochs": 0, "seconds": _WAIT, "messages": ["the fit did not end"]}
        except subprocess.CalledProcessError as error:
            return {"epochs": 0, "seconds": 0.0, "messages": [error.stderr[-2000:]]}
        return dict(json.loads(done.stdout))

    def same(self, what: str, found: Sheets, expected: Sheets) -> None:
        """All sheets are there, byte for byte."""
        differing = [key for key in expected if found.get(key) != expected[key]]
        size = sum(map(len, expected.values()))
        held = bool(expected) and found.keys() == expected.keys() and not differing
        self.that(what, held, f"{len(found)} sheets, {size} bytes; differing: {differing[:3]}")


def sheets_of(run: Reader) -> Sheets:
    """Every sheet of a run that can be read, by kind, layer, epoch and image.

    Of the last segment: each fit here is one.
    """
    found = {}
    base = len(run) - len(run.segments[-1])
    epochs = [position.epoch for _, position in run.positions]
    for kind, layer in run.series():
        most = max(columns.sheets for _, _, columns in run.columns(kind, layer))
        for position in range(base, len(run)):
            for image in range(most):
                try:
                    data = run.picture(kind, layer, position, image)
                except StoreError:
                    continue
                found[kind, layer, epochs[position], image] = data
    return found


def tbviz(*words: str) -> tuple[int, str]:
    """Exit status and output of a command."""
    command = [sys.executable, "-c", _COMMAND, *words]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_WAIT, check=False)
    return done.returncode, done.stdout + done.stderr


class Board:
    """Asks a TensorBoard what the page asks."""

    def __init__(self, port: int) -> None:
        self._base = f"http://127.0.0.1:{port}/data"

    def raw(self, route: str, **parameters: object) -> bytes:
        """What a route answers; b'' where it refuses."""
        try:
            return fetch(f"{self._base}/plugin/tbviz/{route}?{urllib.parse.urlencode(parameters)}")
        except urllib.error.HTTPError as error:
            if error.code not in {404, 410}:
                raise
            return b""

    def ask(self, route: str, **parameters: object) -> Any:
        """The same, where it is JSON."""
        return json.loads(self.raw(route, **parameters))

    def enabled(self) -> bool:
        """Whether the tab is there, once the run is found."""
        end = time.monotonic() + 60
        while time.monotonic() < end and not self.ask("runs")["runs"]:
            time.sleep(0.2)
        return bool(json.loads(fetch(f"{self._base}/plugins_listing"))["tbviz"]["enabled"])

    def sheets(self, positions: int) -> Sheets:
        """Every sheet that the page can show, once there are so many positions.

        What follows on a part that is missing is shown a little later, as the missing one might
        only be late.
        """
        end = time.monotonic() + 60
        epochs: list[int] = []
        while time.monotonic() < end and len(epochs) != positions:
            time.sleep(0.2)
            index = self.ask("index", run="run")
            epochs = [
                epoch
                for _, first, count, *_ in index["positions"]
                for epoch in range(first, first + count)
            ]
        found = {}
        for entry in index["series"]:
            kind, layer = entry["kind"], entry["layer"]
            series = self.ask("series", run="run", kind=kind, layer=layer)
            runs = series["positions"]
            logged = [epochs[at] for first, count in runs for at in range(first, first + count)]
            images = len(series["crc"]) // len(logged)
            for number in range(len(series["crc"])):
                address = {name: series[name][number] for name in ("offset", "length", "crc")}
                data = self.raw("sheet", run="run", writer=series["writers"][0][0], **address)
                if data:
                    found[kind, layer, logged[number // images], number % images] = data
        return found


def written(check: Check, local: Path) -> Sheets:
    """A fit into the bucket and the same onto a disk."""
    for log_dir in (f"{LOGS}/run", local / "run"):
        fitted = check.fit(log_dir)
        messages = fitted["messages"]
        check.that(f"a fit into {log_dir} trains without a message",
                   fitted["epochs"] == _EPOCHS and not messages, messages or "")  # fmt: skip
    expected = sheets_of(open_reader(local / "run"))
    run = open_reader(f"{LOGS}/run")
    check.same("over s3:// every sheet is that of the same fit on a disk", sheets_of(run), expected)
    epochs = [(epoch, final) for _, (epoch, _, final) in run.positions]
    check.that("the run's positions are its epochs' ends",
               epochs == [(epoch, False) for epoch in range(_EPOCHS)])  # fmt: skip
    ends = [segment.finish and segment.finish["status"] for segment in run.segments]
    check.that("the run says that it is finished", ends == ["finished"], ends)
    copied = local.parent / "copied"
    s3fs.S3FileSystem().get(f"{BUCKET}/logs/", f"{copied}/", recursive=True)
    check.same(
        "copied to a disk it is read as well", sheets_of(open_reader(copied / "run")), expected
    )
    return expected


def viewed(check: Check, local: Path, expected: Sheets) -> None:
    """The page's questions to two TensorBoards."""
    ports = free_port(), free_port()
    with viewer(LOGS, ports[0]), viewer(str(local), ports[1]):
        there, here = (Board(port) for port in ports)
        check.that(f"TensorBoard on {LOGS} has the tab", there.enabled() and here.enabled())
        entry, other = (board.ask("runs")["runs"][0] for board in (there, here))
        check.that("./runs lists it as on a disk",
                   all(entry[name] == other[name] for name in ("run", "positions", "status")),
                   entry)  # fmt: skip
        check.same(
            "./index, ./series and ./sheet give every sheet", there.sheets(_EPOCHS), expected
        )
        for route in ("health", "predictions", "model"):
            answers = [board.ask(route, run="run") for board in (there, here)]
            check.that(f"./{route} answers as on a disk", answers[0] == answers[1])


def commanded(check: Check) -> None:
    """The command line, and a training that obeys it."""
    status, output = tbviz("inspect", "--verify", f"{LOGS}/run")
    check.that("inspect --verify finds nothing damaged",
               status == 0 and "nothing is damaged (every byte was read)" in output)  # fmt: skip
    status, output = tbviz("control", f"{LOGS}/ordered", "every", "2")
    check.that("control says that there is no run yet", status == 1, output.strip()[-90:])
    check.fit(f"{LOGS}/ordered")
    status, output = tbviz("control", f"{LOGS}/ordered", "every", "2")
    check.that("control leaves an order", status == 0 and "next training" in output)
    check.fit(f"{LOGS}/ordered")
    run = open_reader(f"{LOGS}/ordered")
    captured: dict[str, list[int]] = {}
    for kind, _, epoch, _ in sheets_of(run):
        captured[kind] = sorted({*captured.get(kind, []), epoch})
    obeyed = len(run.segments) == 2 and captured["activations"] == [0, 2, _EPOCHS - 1]
    check.that("the next training captures epochs 0, 2 and, as always, the last", obeyed, captured)
    check.that("control takes it back", tbviz("control", f"{LOGS}/ordered", "resume")[0] == 0)


def damaged(check: Check, expected: Sheets) -> None:
    """A part that is missing, and one with another byte in it."""
    store = s3fs.S3FileSystem()
    parts = sorted(
        name for name in store.find(f"{BUCKET}/logs/run/plugins/tbviz") if name.endswith(".part")
    )
    missing, spoilt = parts[len(parts) // 2], parts[-2]
    store.rm_file(missing)
    whole = store.cat_file(spoilt)
    at = whole.index(b"IDAT") + 8
    store.pipe_file(spoilt, whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
    store.invalidate_cache()
    status, output = tbviz("inspect", "--verify", f"{LOGS}/run")
    check.that("inspect --verify finds the missing part and the other byte",
               status == 4 and "DAMAGED" in output, f"status {status}")  # fmt: skip
    rest = sheets_of(open_reader(f"{LOGS}/run"))
    held = 0 < len(rest) < len(expected) and all(expected[key] == rest[key] for key in rest)
    check.that("what is left is read and right", held, f"{len(rest)} of {len(expected)} sheets")
    port = free_port()
    with viewer(LOGS, port):
        board = Board(port)
        check.that("TensorBoard still has the tab", board.enabled())
        check.same(
            "./sheet gives what is left and refuses the rest", board.sheets(_EPOCHS - 1), rest
        )


def unreachable(check: Check) -> None:
    """Buckets that do not answer: training continues, and reports it once."""

    def ended(what: str, fitted: dict[str, Any]) -> None:
        messages = fitted["messages"]
        # Messages that differ only in a duration are the same.
        distinct = {text[:40] for text in messages}
        held = fitted["epochs"] == _EPOCHS and len(distinct) == len(messages) > 0
        check.that(f"{what}: the fit ends and reports each thing once", held,
                   f"{fitted['seconds']:.0f} s, {fitted['epochs']} epochs: {messages}")  # fmt: skip

    ended("no such bucket", check.fit("s3://tbviz-none/logs/run"))
    port = free_port()
    more = environment(port)
    with s3_server(port) as server:
        s3fs.S3FileSystem(client_kwargs={"endpoint_url": more["AWS_ENDPOINT_URL"]}).mkdir(BUCKET)
        fitted = check.fit(f"{LOGS}/run", "--kill", server.pid, "--at", 2, **more)
    ended("a server that dies in epoch 2", fitted)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        more = environment(silent.getsockname()[1])
        fitted = check.fit(f"{LOGS}/run", **more, **_IMPATIENT)
    ended("a server that never answers", fitted)


def main() -> None:
    """Check, print, exit."""
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("--trainer", type=Path, required=True, help="Python with TensorFlow")
    check = Check(options.parse_args().trainer)
    port = free_port()
    os.environ.update(environment(port))
    check.that("this environment has no TensorFlow", importlib.util.find_spec("tensorflow") is None)
    with tempfile.TemporaryDirectory(prefix="tbviz-s3-") as folder, s3_server(port):
        s3fs.S3FileSystem().mkdir(BUCKET)
        local = Path(folder) / "logs"
        expected = written(check, local)
        viewed(check, local, expected)
        commanded(check)
        damaged(check, expected)
        unreachable(check)
    sys.exit(f"{check.wrong} of these were wrong" if check.wrong else 0)


if __name__ == "__main__":
    main()
