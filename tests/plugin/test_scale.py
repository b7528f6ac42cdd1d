"""What a long run costs: bytes sent, bytes in memory, reads. Times are measured by
benchmarks/store.py.
"""

from __future__ import annotations

import gzip
import os
import random
import struct
import threading
import tracemalloc
from argparse import Namespace

import pytest

from tbviz.plugin import routes as routes_module
from tbviz.plugin import runs as runs_module
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.schema import HEALTH_NUMBERS, FitPosition
from tbviz.store.read import pack_scanner, records, run_index
from tbviz.store.read.folder import LocalFolder
from tbviz.store.read.reader import Reader
from tbviz.store.write.writer import Writer

RUN = "long"
LAYERS = 50
IMAGES = 4
LONG = 1000
# Of a run that is opened whole: what grows with the epochs is counted for each image.
EPOCHS = 60


class LongRun:
    """A run whose sheets are a few random bytes, with the numbers of real ones.

    Args:
        log_dir: Where to.
        layers: How many.
    """

    def __init__(self, log_dir, layers=LAYERS, seed=0):
        self.draw = random.Random(seed)
        self.paths = [f"backbone/block{index}/conv" for index in range(layers)]
        self.writer = Writer(log_dir, sync=False)
        self.epoch = 0
        self.writer.append({"kind": "fit", "event": "begin", "epochs": LONG, "model": "long"})
        self.ids = [
            self.writer.layout(
                {"picture": "activations", "layer": path, "media": "gray8", "tile": [16, 16],
                 "tiles": 64, "columns": 16, "images": IMAGES, "channels": list(range(64)),
                 "total": 256, "method": "ActivationGrid"}
            )
            for path in self.paths
        ]  # fmt: skip

    def add(self, epochs=1):
        for _ in range(epochs):
            self._add()
        self.writer.flush()
        return self

    def _add(self):
        draw = self.draw
        where = {**FitPosition(self.epoch).fields(), "time": 1763771000.0 + 30 * self.epoch}
        self.epoch += 1
        for path, layout in zip(self.paths, self.ids, strict=True):
            self.writer.append(
                {"kind": "activations", **where, "layer": path, "layout": layout,
                 "media": "gray8"},
                [draw.randbytes(draw.randrange(8, 64)) for _ in range(IMAGES)],
                [(-draw.random(), draw.random() * 5, -draw.random() / 2, draw.random() * 4)
                 for _ in range(IMAGES)],
            )  # fmt: skip
        health = {
            path: {"channels": 256, **{name: float(f"{draw.random():.6g}")
                                       for name in HEALTH_NUMBERS}}
            for path in self.paths
        }  # fmt: skip
        self.writer.append({"kind": "health", **where, "layers": health})
        self.writer.append({"kind": "metrics", **where, "values": {"loss": draw.random()}})


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    """A log directory with a run of 60 positions of 50 layers and 4 images. Do not write to it."""
    logdir = tmp_path_factory.mktemp("scale")
    LongRun(logdir / RUN).add(EPOCHS).writer.close()
    for path in store_directory(logdir / RUN).iterdir():
        os.utime(path, (0, 1763771000))  # at the end of what was just written more may come
    return logdir


def bytes_sent(response):
    """Return how many bytes were sent, without headers."""
    assert response.status_code == 200
    return len(response.get_data())


ZIPPED = {"Accept-Encoding": "gzip"}


def test_opening_is_at_most_20_kb(board, long):
    # Positions and series are runs: ten times the epochs are a few digits more.
    assert bytes_sent(board(long).get("index", headers=ZIPPED, run=RUN)) < 20_000 - 1000


def test_one_series_of_4000_sheets_is_at_most_80_kb(board, tmp_path):
    LongRun(tmp_path / RUN, layers=1).add(LONG).writer.close()
    response = board(tmp_path).get(
        "series", headers=ZIPPED, run=RUN, kind="activations", layer="backbone/block0/conv"
    )
    assert bytes_sent(response) <= 80_000
    assert gzip.decompress(response.get_data()).count(b",") > 7 * 4000


def test_a_poll_without_news_is_at_most_300_bytes_and_reads_nothing(board, long, monkeypatch):
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)
    one = board(long)
    cursor = one.ask("index", run=RUN)["cursor"]
    opened = count(monkeypatch, "open_file")
    for _ in range(10):
        assert bytes_sent(one.get("index", headers=ZIPPED, run=RUN, since=cursor)) <= 300
    assert opened == []


def test_a_poll_with_one_new_position_holds_that_one(board, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)
    monkeypatch.setattr(runs_module, "_TIMEOUT", 0.0)
    run = LongRun(tmp_path / RUN).add(5)
    one = board(tmp_path)
    cursor = one.ask("index", run=RUN)["cursor"]
    run.add().writer.close()
    response = one.get("index", headers=ZIPPED, run=RUN, since=cursor)
    assert bytes_sent(response) < 10_000
    answer = one.ask("index", run=RUN, since=cursor)
    assert (answer["reset"], answer["positions"]) == (False, [[1, 5, 1]])
    assert len(answer["series"]) == LAYERS
    assert answer["layouts"] == {}


def test_a_server_that_was_started_anew_knows_the_old_cursor(board, tmp_path):
    run = LongRun(tmp_path / RUN, layers=2).add(3)
    cursor = board(tmp_path).ask("index", run=RUN)["cursor"]
    assert set(board(tmp_path).ask("index", run=RUN, since=cursor)) == {"cursor", "now"}
    run.add(2).writer.close()
    answer = board(tmp_path).ask("index", run=RUN, since=cursor)
    assert (answer["reset"], answer["positions"]) == (False, [[1, 3, 2]])
    assert (answer["layouts"], answer["probes"]) == ({}, [])
    again = board(tmp_path).ask("index", run=RUN, since=answer["cursor"])
    assert set(again) == {"cursor", "now"}


def test_memory_is_under_60_bytes_an_image(long):
    reader = Reader(store_directory(long / RUN))
    tracemalloc.start()
    try:
        reader.refresh()
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    images = sum(len(columns) for s in reader.segments for columns in s.series.values())
    assert images == EPOCHS * LAYERS * IMAGES
    # Layouts and names are there once, however long the run is.
    fixed = len(str(run_index.run_index(reader))) * 4
    assert (held - fixed) / images < 60


def test_one_read_a_sheet(board, long, monkeypatch):
    one = board(long)
    layer = "backbone/block3/conv"
    series = one.ask("series", run=RUN, kind="activations", layer=layer)
    (writer, _), *_ = series["writers"]
    addresses = list(zip(series["offset"], series["length"], series["crc"], strict=True))
    reads = count(monkeypatch, "read_at")
    offset, length, crc = addresses[7]
    one.get("sheet", run=RUN, writer=writer, offset=offset, length=length, crc=crc)
    assert [(args[1], args[2]) for args in reads] == [(offset, length)]
    reads.clear()
    opened = count(monkeypatch, "open_file")
    names = ",".join(f"{writer}:{o}:{n}:{c}" for o, n, c in addresses[:IMAGES])
    answer = one.get("sheets", run=RUN, sheets=names).get_data()
    assert len(answer) == sum(4 + n for _, n, _ in addresses[:IMAGES])
    assert [(args[1], args[2]) for args in reads] == [(o, n) for o, n, _ in addresses[:IMAGES]]
    assert len(opened) == 1


def test_sheets_of_one_answer_are_bounded(board, tmp_path, monkeypatch):
    monkeypatch.setattr(routes_module, "_MAX_BYTES", 1000)
    writer = Writer(tmp_path / RUN)
    layout = writer.layout({"picture": "kernels", "layer": "a", "media": "rgb8", "images": 3})
    sheets = [os.urandom(size) for size in (700, 400, 100)]
    writer.append(
        {"kind": "kernels", "epoch": 0, "layer": "a", "layout": layout, "media": "rgb8"}, sheets
    )
    writer.close()
    one = board(tmp_path)
    series = one.ask("series", run=RUN, kind="kernels", layer="a")
    addresses = zip(series["offset"], series["length"], series["crc"], strict=True)
    names = [f"{writer.uid}:{o}:{n}:{c}" for o, n, c in addresses]
    response = one.get("sheets", run=RUN, sheets=",".join(names))
    missing = struct.pack("<I", 0xFFFFFFFF)
    assert response.get_data() == struct.pack("<I", 700) + sheets[0] + 2 * missing
    assert response.headers["Cache-Control"] == "no-cache"
    # What was left out comes when it is asked for alone, and so does one that is too large.
    monkeypatch.setattr(routes_module, "_MAX_BYTES", 50)
    for name, sheet in zip(names, sheets, strict=True):
        alone = one.get("sheets", run=RUN, sheets=name)
        assert alone.get_data() == struct.pack("<I", len(sheet)) + sheet
        assert "immutable" in alone.headers["Cache-Control"]
    monkeypatch.setattr(runs_module, "_MAX_SHEET_BYTES", 500)
    assert one.get("sheets", run=RUN, sheets=names[0]).get_data() == missing
    writer_, offset, length, crc = names[0].split(":")
    one.refuse(410, "sheet", run=RUN, writer=writer_, offset=offset, length=length, crc=crc)


def test_200_runs_are_listed_and_read_once(board, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)
    monkeypatch.setattr(runs_module, "_BUDGET", 60.0)
    for number in range(200):
        writer = Writer(tmp_path / f"run{number:03d}", sync=False)
        writer.append({"kind": "metrics", "epoch": 0, "values": {"loss": number}})
        writer.close()
    one = board(tmp_path)
    first = one.ask("runs")["runs"]
    assert [run["positions"] for run in first] == [1] * 200
    opened = count(monkeypatch, "open_file")
    assert one.ask("runs")["runs"] == first
    assert opened == []
    runs = one.plugin._routes._runs
    assert sum(run._reader is not None for run in runs._runs.values()) <= runs_module._MAX_OPEN
    # One that changed is read again, and no other.
    writer = Writer(tmp_path / "run007", sync=False)
    writer.append({"kind": "metrics", "epoch": 1, "values": {"loss": 0.0}})
    writer.close()
    again = one.ask("runs")["runs"]
    assert [run["positions"] for run in again] == [1 + (number == 7) for number in range(200)]
    assert {args[0].parent.parent.parent.name for args in opened} == {"run007"}


def test_readers_are_released_if_their_sheets_are_many(tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_MAX_SHEETS", 30)
    for number in range(4):
        LongRun(tmp_path / str(number), layers=1).add(3).writer.close()
    found = {str(number): LocalFolder(store_directory(tmp_path / str(number))) for number in "0123"}
    runs = runs_module.OpenRuns(Namespace(found=found))
    for name in ("0", "1", "2", "3", "1"):
        assert runs.get(name).ask(len) == 3
    assert list(runs._open) == ["3", "1"]
    assert [name for name, run in runs._runs.items() if run._reader is not None] == ["1", "3"]


def test_opening_one_run_keeps_nobody_waiting_for_another(board, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)
    for name in ("slow", "quick"):
        LongRun(tmp_path / name, layers=1).add(2).writer.close()
    monkeypatch.setattr(runs_module, "_BUDGET", 60.0)
    one = board(tmp_path)
    assert [run["positions"] for run in one.ask("runs")["runs"]] == [2, 2]
    series = one.ask("series", run="slow", kind="activations", layer="backbone/block0/conv")
    held, go_on = threading.Event(), threading.Event()
    refresh = Reader.refresh

    def wait(reader):
        if reader.folder.directory == store_directory(tmp_path / "slow"):
            held.set()
            assert go_on.wait(60)
        return refresh(reader)

    monkeypatch.setattr(Reader, "refresh", wait)
    opening = threading.Thread(target=one.ask, args=("index",), kwargs={"run": "slow"})
    opening.start()
    try:
        assert held.wait(60)
        assert one.ask("index", run="quick")["positions"] == [[1, 0, 2]]
        # A sheet of the run that is being read does not wait either.
        sheet = {name: series[name][0] for name in ("offset", "length", "crc")}
        sheet["writer"] = series["writers"][0][0]
        assert one.get("sheet", run="slow", **sheet).status_code == 200
        # Nor does the list, beyond its budget.
        monkeypatch.setattr(runs_module, "_BUDGET", 0.1)
        assert [run["positions"] for run in one.ask("runs")["runs"]] == [2, 2]
    finally:
        go_on.set()
        opening.join(60)
    assert not opening.is_alive()


@pytest.mark.parametrize("route", ["index", "runs", "series", "sheets"])
def test_head_says_what_get_would(board, long, route):
    one = board(long)
    asked = {"run": RUN, "kind": "activations", "layer": "backbone/block0/conv"}
    series = one.ask("series", **asked)
    asked["sheets"] = ":".join(
        str(part)
        for part in (series["writers"][0][0], *(series[n][0] for n in ("offset", "length", "crc")))
    )
    got, head = one.get(route, **asked), one.get(route, method="HEAD", **asked)
    assert (head.status_code, head.get_data()) == (200, b"")
    for name in ("Content-Type", "Cache-Control"):
        assert head.headers[name] == got.headers[name]


def count(monkeypatch, name):
    """The arguments of each call of a function with which packs and indexes are read."""
    calls = []
    real = getattr(records, name)

    def counted(*args, **kwargs):
        calls.append(args)
        return real(*args, **kwargs)

    for module in (pack_scanner, records):
        monkeypatch.setattr(module, name, counted)
    return calls
