from __future__ import annotations

import gzip
import io
import logging
import shutil
import struct
import threading
import zlib

import pytest
from made_stores import LAYERS, TABLE, Run, make_run
from PIL import Image

from tbviz.plugin import runs as runs_module
from tbviz.plugin.loader import Loader
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer
from tbviz.version import __version__

RUN = "photographs"
IMMUTABLE = "private, max-age=31536000, immutable"


def fresh(monkeypatch):
    """Let every request read the disk."""
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)


def first_sheet(one, kind="activations", layer="conv1"):
    series = one.ask("series", run=RUN, kind=kind, layer=layer)
    return {
        "writer": series["writers"][0][0],
        "offset": series["offset"][0],
        "length": series["length"][0],
        "crc": series["crc"][0],
    }


def test_runs(board, logs):
    answer = board(logs).ask("runs")
    (run,) = answer["runs"]
    stored = sum(path.stat().st_size for path in store_directory(logs / RUN).glob("*.pack"))
    assert run.pop("last") > 1.7e9
    assert run == {
        "run": RUN,
        "segments": 2,
        "positions": 12,
        "bytes": stored,
        "status": "finished",
    }
    assert (answer["version"], answer["logdir"]) == (__version__, str(logs))
    assert answer["now"] > 1.7e9


def test_many_runs_are_listed_without_staying_open(board, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_MAX_OPEN", 2)
    for number in range(5):
        make_run(tmp_path / str(number), number + 1, LAYERS[:1], images=1)
    one = board(tmp_path)
    for _ in range(2):
        listed = one.ask("runs")["runs"]
        assert [run["positions"] for run in listed] == [1, 2, 3, 4, 5]
    runs = one.plugin._routes._runs
    assert len(runs._open) == 2
    assert sum(run._reader is not None for run in runs._runs.values()) == 2
    for number in range(5):
        assert len(one.ask("index", run=str(number))["positions"]) == 1
    assert sum(run._reader is not None for run in runs._runs.values()) == 2


def test_what_could_not_be_read_in_time_is_null(board, tmp_path, monkeypatch):
    make_run(tmp_path / "run", 1, LAYERS[:1], images=1)
    monkeypatch.setattr(runs_module, "_BUDGET", -1.0)
    (run,) = board(tmp_path).ask("runs")["runs"]
    assert run == {"run": "run", "segments": None, "positions": None, "bytes": None,
                   "last": None, "status": None}  # fmt: skip


def test_index_and_its_cursor(board, tmp_path, monkeypatch):
    fresh(monkeypatch)
    run = Run(tmp_path / RUN, LAYERS, images=1, now=True)
    run.add()
    one = board(tmp_path)
    whole = one.ask("index", run=RUN)
    assert whole["reset"] is False
    assert whole["positions"] == [[1, 0, 1]]
    assert len(whole["series"]) == 12
    assert len(whole["layouts"]) == 15
    assert [segment["status"] for segment in whole["segments"]] == ["live"]
    same = one.get("index", run=RUN, since=whole["cursor"])
    assert set(same.get_json()) == {"cursor", "now"}
    assert len(same.get_data()) < 300
    run.add()
    news = one.ask("index", run=RUN, since=whole["cursor"])
    assert (news["reset"], news["positions"], news["layouts"]) == (False, [[1, 1, 1]], {})
    # TensorBoard is started again; the page goes on with its cursor.
    run.add()
    again = board(tmp_path).ask("index", run=RUN, since=news["cursor"])
    assert (again["reset"], again["positions"]) == (False, [[1, 2, 1]])
    # The logs are deleted and training is started again.
    shutil.rmtree(tmp_path / RUN)
    make_run(tmp_path / RUN, 2, LAYERS[:1], images=1)
    reset = one.ask("index", run=RUN, since=again["cursor"])
    assert (reset["reset"], reset["positions"]) == (True, [[1, 0, 2]])
    run.writer.close()


def test_series_in_whole_and_from_a_record_on(board, logs):
    one, run = board(logs), open_reader(logs / RUN)
    whole = one.ask("series", run=RUN, kind="activations", layer="conv1")
    assert whole["since"] == 0
    assert whole["images"] == 4
    assert whole["positions"] == [[0, 12]]
    assert whole["writers"] == [[segment.uid, 6] for segment in run.segments]
    assert sum(count for _, count in whole["layouts"]) == 12
    for name in ("offset", "length", "crc", "lo", "hi", "p", "q"):
        assert len(whole[name]) == 48
    found = run.find("activations", "conv1", 7, 2)
    at = 7 * 4 + 2
    assert (whole["offset"][at], whole["length"][at], whole["crc"][at]) == found[1:]
    part = one.ask("series", run=RUN, kind="activations", layer="conv1", since=8)
    assert (part["since"], part["positions"]) == (8, [[8, 4]])
    assert part["writers"] == [[run.segments[1].uid, 4]]
    assert part["crc"] == whole["crc"][32:]
    none = one.ask("series", run=RUN, kind="activations", layer="conv1", since=12)
    assert (none["since"], none["positions"], none["offset"]) == (12, [], [])
    color = one.ask("series", run=RUN, kind="maximization", layer="conv1")
    assert color["images"] == 0
    assert "lo" not in color
    one.refuse(404, "series", run=RUN, kind="cam", layer="conv1")
    one.refuse(404, "series", run=RUN, kind="activations", layer="nowhere")


def test_a_sheet_is_its_bytes_for_ever(board, logs):
    one = board(logs)
    sheet = first_sheet(one)
    response = one.get("sheet", run=RUN, **sheet)
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == IMMUTABLE
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert zlib.crc32(response.get_data()) == sheet["crc"]
    assert Image.open(io.BytesIO(response.get_data())).size == (8 * 32, 2 * 32)
    segment = open_reader(logs / RUN).segments[0]
    _, offset, length, crc = segment.health.table("conv1", 0)
    response = one.get("sheet", run=RUN, writer=segment.uid, offset=offset, length=length, crc=crc)
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert len(response.get_data()) == 4 * len(TABLE) * 16


def test_a_sheet_that_is_not_what_it_was_is_gone(board, logs):
    one = board(logs)
    sheet = first_sheet(one)
    for name, wrong in (("crc", 1), ("offset", 10**14), ("length", 1 << 40)):
        message = one.refuse(410, "sheet", run=RUN, **{**sheet, name: wrong})
        assert "expected" in message
    one.refuse(404, "sheet", run=RUN, **{**sheet, "writer": "0" * 16})
    for name, wrong in (("writer", "../../etc"), ("crc", "x"), ("offset", -1), ("length", "")):
        one.refuse(400, "sheet", run=RUN, **{**sheet, name: wrong})
    damaged = one.get("sheet", run=RUN, **{**sheet, "crc": 1})
    assert damaged.headers["Cache-Control"] == "no-cache"


def test_sheets_in_one_answer(board, logs):
    one = board(logs)
    sheet = first_sheet(one)
    good = ":".join(str(part) for part in sheet.values())
    bad = ":".join(str(part) for part in {**sheet, "crc": 7}.values())
    alone = one.get("sheet", run=RUN, **sheet).get_data()
    framed = struct.pack("<I", len(alone)) + alone
    response = one.get("sheets", run=RUN, sheets=f"{good},{good}")
    assert response.get_data() == framed * 2
    assert response.headers["Content-Type"] == "application/octet-stream"
    assert response.headers["Cache-Control"] == IMMUTABLE
    response = one.get("sheets", run=RUN, sheets=f"{good},{bad},{good}")
    assert response.get_data() == framed + b"\xff\xff\xff\xff" + framed
    assert response.headers["Cache-Control"] == "no-cache"
    assert len(one.get("sheets", run=RUN, sheets=",".join([good] * 64)).get_data()) == 64 * len(
        framed
    )
    one.refuse(400, "sheets", run=RUN, sheets=",".join([good] * 65))
    one.refuse(400, "sheets", run=RUN, sheets=good + ":1")
    one.refuse(400, "sheets", run=RUN)


def test_model(board, logs, tmp_path):
    one = board(logs)
    newest = one.ask("model", run=RUN)
    assert (newest["segment"], newest["name"], newest["class"]) == (2, "photographs", "Functional")
    assert (newest["parameters"], newest["trainable"]) == (123456, 120000)
    paths = [node["path"] for node in newest["nodes"]]
    assert paths.index("backbone/block1") < paths.index("backbone/block1/conv2")
    assert one.ask("model", run=RUN, segment=1)["segment"] == 1
    one.refuse(404, "model", run=RUN, segment=3)
    writer = Writer(tmp_path / RUN)
    writer.append({"kind": "model", "name": "m", "media": "json"}, [b"not json"])
    writer.close()
    one = board(tmp_path)
    assert "damaged" in one.refuse(410, "model", run=RUN)


def test_unknown_runs_and_missing_parameters(board, logs):
    one = board(logs)
    for route in ("index", "series", "sheet", "sheets", "strip", "scalars", "health", "channels",
                  "predictions", "model"):  # fmt: skip
        assert "expected it as a query parameter" in one.refuse(400, route)
        for run in ("nowhere", "..", "../logs", f"{RUN}/", "/etc", "", ".", "photographs\0"):
            assert "./runs lists" in one.refuse(404, route, run=run, kind="a", layer="b",
                                                tiles=0, positions=0, position=0, writer="0" * 16,
                                                offset=0, length=0, crc=0, sheets="x")  # fmt: skip
    one.refuse(400, "scalars", run=RUN, since="a")
    one.refuse(400, "scalars", run=RUN, since="-1")
    one.refuse(400, "index", run=RUN, since="yesterday")
    one.ask("scalars", run=RUN, since="", unknown="ignored")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(board, logs, method):
    one = board(logs)
    for route in one.plugin.get_plugin_apps():
        name = "static/index.js" if route == "/static/*" else route[1:]
        response = one.get(name, method=method, run=RUN)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD"
        assert "expected GET or HEAD" in response.get_json()["error"]


def test_head_has_the_headers_without_the_bytes(board, logs):
    one = board(logs)
    sheet = first_sheet(one)
    full, head = (one.get("sheet", method=m, run=RUN, **sheet) for m in ("GET", "HEAD"))
    assert head.status_code == 200
    assert head.get_data() == b""
    assert dict(head.headers) == dict(full.headers)
    assert int(head.headers["Content-Length"]) == len(full.get_data())
    assert one.get("index", method="HEAD", run="nowhere").status_code == 404


def test_json_is_packed_where_the_client_accepts_it(board, logs):
    one = board(logs)
    plain = one.get("health", run=RUN)
    packed = one.get("health", run=RUN, headers={"Accept-Encoding": "gzip, deflate"})
    refused = one.get("health", run=RUN, headers={"Accept-Encoding": "gzip;q=0"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.get_data()) == plain.get_data() == refused.get_data()
    assert len(packed.get_data()) < len(plain.get_data()) / 2
    for response in (plain, packed):
        assert response.headers["Vary"] == "Accept-Encoding"
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert response.headers["Cache-Control"] == "no-cache"
        assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_what_nobody_foresaw_is_logged_and_answered(board, logs, monkeypatch, caplog):
    one = board(logs)
    monkeypatch.setattr("tbviz.plugin.routes.health", lambda *_: 1 / 0)
    with caplog.at_level(logging.ERROR):
        assert "ZeroDivisionError" in one.refuse(500, "health", run=RUN)
    assert "failed" in caplog.text


def test_many_threads_ask_while_a_run_grows(board, tmp_path, monkeypatch):
    fresh(monkeypatch)
    run = Run(tmp_path / RUN, LAYERS[:1], images=1)
    one = board(tmp_path)
    run.add()
    one.plugin._discovery.walk()
    wrong = []

    def ask():
        cursor, held = None, 0
        for _ in range(40):
            answer = one.ask("index", run=RUN, **({} if cursor is None else {"since": cursor}))
            cursor = answer["cursor"]
            held += sum(count for _, _, count in answer.get("positions", []))
            whole = one.ask("series", run=RUN, kind="activations", layer="conv1")
            if len(whole["crc"]) < held or answer.get("reset"):
                wrong.append((held, len(whole["crc"])))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(20):
        run.add()
    for thread in threads:
        thread.join()
    run.writer.close()
    assert wrong == []


def test_every_field_of_the_context_may_be_missing(board):
    one = board(flags=None)
    assert one.ask("runs")["runs"] == []
    assert one.listing()["enabled"] is False
    assert one.plugin.plugin_name == "tbviz"
    one.refuse(404, "index", run=".")


def test_the_tab_is_listed_with_its_module(board, logs):
    listing = board(logs).listing()
    assert listing["tab_name"] == "tbviz"
    assert listing["loading_mechanism"] == {
        "type": "IFRAME",
        "module_path": "/data/plugin/tbviz/static/index.js",
    }


def test_a_plugin_that_cannot_be_made_lets_tensorboard_start(monkeypatch, caplog):
    monkeypatch.setattr("tbviz.plugin.plugin.Plugin", lambda context: 1 / 0)
    assert Loader().load(None) is None
    assert "TensorBoard starts without tbviz" in caplog.text
