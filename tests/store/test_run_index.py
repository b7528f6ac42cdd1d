from __future__ import annotations

import json
import shutil
import zlib

import pytest
import stores
from made_stores import LAYERS, Run, make_run

from tbviz.store.disk import locks
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.schema import FitPosition
from tbviz.store.maintain.summary import inspect
from tbviz.store.read import run_index
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer


def client(answers):
    """Return the state of a page after these answers, by the rules of http_api.md."""
    state = {}
    for answer in answers:
        if set(answer) == {"cursor", "now"}:
            continue
        if not state or answer["reset"]:
            state = {"segments": {}, "positions": [], "series": {}, "layouts": {}, "notices": [],
                    "probes": {}}  # fmt: skip
        state["segments"] |= {item["segment"]: item for item in answer["segments"]}
        state["probes"] |= {item["segment"]: item for item in answer["probes"]}
        state["series"] |= {(item["kind"], item["layer"]): item for item in answer["series"]}
        state["layouts"] |= answer["layouts"]
        state["notices"] += answer["notices"]
        state["latest"] = answer["latest"]
        for segment, epoch, count, *rest in answer["positions"]:
            state["positions"] += [(segment, epoch + k, *rest) for k in range(count)]
    return state


def test_index_of_a_small_run_by_hand(tmp_path):
    writer = Writer(tmp_path)
    writer.append({
        "kind": "fit", "event": "begin", "time": 100.0, "epochs": 3, "initial_epoch": 0,
        "steps": 30, "backend": "jax", "versions": {"keras": "3"}, "model": "m",
    })  # fmt: skip
    stores.append(writer, 0)
    stores.append(writer, 1)
    writer.append({"kind": "metrics", **FitPosition(1, 40).fields(), "values": {"loss": 1.0}})
    writer.append({"kind": "notice", "epoch": 1, "time": 5.0, "level": "info", "method": "CAM",
                   "layer": None, "text": "t", "remedy": None})  # fmt: skip
    writer.append({"kind": "metrics", **FitPosition(1, None, final=True).fields(), "values": {}})
    writer.append({"kind": "fit", "event": "end", "time": 9.0, "status": "stopped", "reason": "r"})
    writer.close()
    run = open_reader(tmp_path)
    layout = run_index.run_index(run)["series"][0]["layout"]
    size = writer.size
    assert run_index.run_index(run, now=7.0) == {
        "cursor": f"1.00000000.{writer.uid}.{size}.{zlib.crc32(b'stopped'):08x}",
        "reset": False,
        "now": 7.0,
        "segments": [{
            "segment": 1, "writer": writer.uid, "status": "stopped", "epochs": 3,
            "initial_epoch": 0, "steps": 30, "started": 100.0, "last": run.segments[0].last,
            "ended": 9.0, "reason": "r", "backend": "jax", "versions": {"keras": "3"},
            "model": "m", "damaged": 0, "format": 2, "refused": None,
        }],
        "positions": [[1, 0, 2], [1, 1, 1, 40], [1, 1, 1, None, True]],
        "series": [{
            "kind": "activations", "layer": "conv", "layout": layout, "media": "gray8",
            "images": 2, "count": 2, "bytes": 2 * (7 + 14), "range": (-1.0, 2.0),
            "percentiles": (-0.5, 1.5), "positions": [[0, 2]],
        }],
        "layouts": {layout: stores.LAYOUT},
        "probes": [],
        "notices": [{
            "segment": 1, "position": 1, "level": "info", "method": "CAM", "layer": None,
            "text": "t", "remedy": None, "time": 5.0,
        }],
        "latest": {"metrics": 3, "health": None, "predictions": None},
    }  # fmt: skip


def test_notices_are_served_with_their_fields_for_programs(tmp_path):
    writer = Writer(tmp_path)
    fields = {"kind": "notice", "level": "info", "method": "control", "text": "t"}
    writer.append({**fields, "event": "paused", "key": "paused/control///1", "rule": None})
    writer.append(fields)
    writer.close()
    new, old = run_index.run_index(open_reader(tmp_path))["notices"]
    assert (new["event"], new["key"], new["rule"]) == ("paused", "paused/control///1", None)
    assert not {"event", "key", "rule"} & set(old)


def test_a_client_that_polls_has_the_same_as_one_that_comes_late(tmp_path):
    reader = Reader(store_directory(tmp_path))
    answers = [run_index.run_index(reader)]
    for segment in range(3):
        run = Run(tmp_path, LAYERS[:2], images=1, first=3 * segment, epochs=9)
        for step in range(4):
            run.add(batch=step == 2)
            reader.refresh()
            answers.append(run_index.since(reader, answers[-1]["cursor"]))
        run.finish()
        run.writer.close()
        reader.refresh()
        answers.append(run_index.since(reader, answers[-1]["cursor"]))
    assert not any(answer.get("reset") for answer in answers)
    assert client(answers) == client([run_index.run_index(open_reader(tmp_path))])
    # Each answer holds what is new and no more.
    assert sum(len(answer.get("positions", ())) for answer in answers) == 12
    assert sum(len(answer.get("layouts", ())) for answer in answers) <= 3 * 5


def test_an_answer_without_news_is_small(tmp_path):
    make_run(tmp_path, positions=3, layers=LAYERS[:1], segments=3)
    run = open_reader(tmp_path)
    answer = run_index.since(run, run_index.cursor(run))
    assert set(answer) == {"cursor", "now"}
    assert len(json.dumps(answer)) < 150


def test_a_cursor_outlives_the_process_that_gave_it(tmp_path):
    run = Run(tmp_path, LAYERS[:1], images=1)
    run.add()
    cursor = run_index.cursor(open_reader(tmp_path))
    run.add()
    run.writer.close()
    answer = run_index.since(open_reader(tmp_path), cursor)
    assert (answer["reset"], answer["positions"]) == (False, [[1, 1, 1]])
    assert (answer["layouts"], answer["probes"]) == ({}, [])


def test_a_vanished_writer_resets(tmp_path):
    make_run(tmp_path, positions=4, layers=LAYERS[:1], segments=2)
    cursor = run_index.cursor(open_reader(tmp_path))
    first, second = sorted(store_directory(tmp_path).glob("*.pack"))
    for gone in (first, second):
        content = gone.read_bytes()
        gone.unlink()
        answer = run_index.since(open_reader(tmp_path), cursor)
        assert answer["reset"]
        assert answer["positions"] == [[1, 0 if gone is second else 1, 2]]
        gone.write_bytes(content)
    assert "reset" not in run_index.since(open_reader(tmp_path), cursor)


def test_everything_vanished_and_came_back(tmp_path):
    reader = Reader(store_directory(tmp_path))
    stores.write(tmp_path)
    reader.refresh()
    old = run_index.cursor(reader)
    shutil.rmtree(tmp_path)
    reader.refresh()
    empty = run_index.since(reader, old)
    assert (empty["reset"], empty["positions"], empty["series"]) == (True, [], [])
    stores.write(tmp_path, 2)
    reader.refresh()
    assert run_index.since(reader, old)["reset"]
    after = run_index.since(reader, empty["cursor"])
    assert (after["reset"], after["positions"]) == (False, [[1, 0, 2]])


def test_an_older_segment_that_grows_resets(tmp_path):
    first, second = Writer(tmp_path), Writer(tmp_path)
    for writer in (first, second):
        stores.append(writer, 0)
        writer.flush()
    reader = open_reader(tmp_path)
    cursor = run_index.cursor(reader)
    stores.append(second, 1)
    second.close()
    reader.refresh()
    answer = run_index.since(reader, cursor)
    assert (answer["reset"], answer["positions"]) == (False, [[2, 1, 1]])
    stores.append(first, 1)
    first.close()
    reader.refresh()
    answer = run_index.since(reader, answer["cursor"])
    assert (answer["reset"], answer["positions"]) == (True, [[1, 0, 2], [2, 0, 2]])


def test_a_pack_that_shrank_resets(tmp_path):
    writer = stores.write(tmp_path)
    reader = open_reader(tmp_path)
    cursor = run_index.cursor(reader)
    writer.path.write_bytes(writer.path.read_bytes()[:-1])
    reader.refresh()
    answer = run_index.since(reader, cursor)
    assert (answer["reset"], answer["positions"]) == (True, [[1, 0, 3]])


@pytest.mark.parametrize("cursor", ["x", "1.2.3", "-1.00000000.0000000000000000.0.live", "1." * 99])
def test_an_invalid_cursor_is_an_error(tmp_path, cursor):
    stores.write(tmp_path)
    with pytest.raises(ValueError, match="expected one of an earlier answer"):
        run_index.since(open_reader(tmp_path), cursor)


@pytest.fixture
def no_locks(monkeypatch):
    """Simulate a file system without locks, so that the clock decides."""
    monkeypatch.setattr(locks, "_HAS_LOCKS", False)


@pytest.mark.usefixtures("no_locks")
@pytest.mark.parametrize(
    ("distance", "silence", "expected"),
    [(1, 119, "live"), (1, 121, "lost"), (60, 599, "live"), (60, 601, "lost")],
)
def test_a_fit_without_an_end_is_lost_after_ten_distances(tmp_path, distance, silence, expected):
    writer = Writer(tmp_path)
    begin = 2_000_000_000.0
    for epoch in range(5):
        time = begin + distance * epoch
        writer.append({"kind": "metrics", "epoch": epoch, "time": time, "values": {}})
    writer.flush()
    reader = open_reader(tmp_path)
    last = begin + 4 * distance
    live = run_index.cursor(reader, last)
    answer = run_index.since(reader, live, now=last + silence)
    assert run_index.status(reader.segments[0], last + silence) == expected
    if expected == "lost":  # nothing was written, and yet it is news
        assert [segment["status"] for segment in answer["segments"]] == ["lost"]
        assert (answer["reset"], answer["positions"], answer["series"]) == (False, [], [])
    else:
        assert set(answer) == {"cursor", "now"}
    writer.close()


@pytest.mark.usefixtures("no_locks")
def test_an_older_fit_that_is_lost_by_now_is_reported_alone(tmp_path):
    first, second = Writer(tmp_path), Writer(tmp_path)
    for writer in (first, second):
        writer.append({"kind": "metrics", "epoch": 0, "time": 2e9, "values": {}})
        writer.flush()
    reader = open_reader(tmp_path)
    live = run_index.since(reader, None, now=2e9)
    assert [segment["status"] for segment in live["segments"]] == ["live", "live"]
    answer = run_index.since(reader, live["cursor"], now=2e9 + 121)
    assert answer["reset"] is False
    assert [(one["segment"], one["status"]) for one in answer["segments"]] == [
        (1, "lost"), (2, "lost"),
    ]  # fmt: skip
    assert (answer["positions"], answer["series"], answer["layouts"]) == ([], [], {})
    assert set(run_index.since(reader, answer["cursor"], now=2e9 + 122)) == {"cursor", "now"}
    # A position of the newest is news as ever, and the older one is left out of it.
    second.append({"kind": "metrics", "epoch": 1, "time": 2e9, "values": {}})
    second.flush()
    reader.refresh()
    answer = run_index.since(reader, answer["cursor"], now=2e9 + 122)
    assert (answer["reset"], answer["positions"]) == (False, [[2, 1, 1]])
    assert [one["segment"] for one in answer["segments"]] == [2]
    for writer in (first, second):
        writer.close()


needs_locks = pytest.mark.skipif(not locks._HAS_LOCKS, reason="locks are needed")


def opened(log_dir):
    writer = Writer(log_dir)
    stores.append(writer, 0)
    writer.flush()
    return writer


@needs_locks
def test_a_fit_whose_pack_is_held_is_live_however_long_an_epoch_takes(tmp_path):
    writer = Writer(tmp_path)
    writer.append({"kind": "fit", "event": "begin", "epochs": 90})
    writer.flush()
    reader = open_reader(tmp_path)
    (segment,) = reader.segments
    late = segment.last + 1e6
    assert run_index.run_index(reader, late)["segments"][0]["status"] == "live"
    assert inspect(reader, now=late)["segments"][0]["status"] == "live"
    writer.close()


@needs_locks
def test_a_fit_that_nobody_writes_is_lost_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_INTERVAL", 0.0)
    writer = opened(tmp_path)
    reader = open_reader(tmp_path)
    (segment,) = reader.segments
    live = run_index.cursor(reader, segment.last)
    assert run_index.status(segment, segment.last) == "live"
    writer.close()  # as a kill does, which gives the lock back
    answer = run_index.since(reader, live, segment.last)
    assert [one["status"] for one in answer["segments"]] == ["lost"]
    assert (answer["reset"], answer["positions"]) == (False, [])


@needs_locks
def test_a_pack_that_grows_and_is_not_held_is_written_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_INTERVAL", 0.0)
    elsewhere = opened(tmp_path / "there")
    copy = store_directory(tmp_path / "here")
    shutil.copytree(store_directory(tmp_path / "there"), copy)
    reader = Reader(copy)
    reader.refresh()
    (segment,) = reader.segments
    assert run_index.status(segment, segment.last) == "lost"
    stores.append(elsewhere, 7)
    elsewhere.close()
    shutil.copytree(store_directory(tmp_path / "there"), copy, dirs_exist_ok=True)
    reader.refresh()
    assert run_index.status(segment, segment.last) == "live"
    assert run_index.status(segment, segment.last + 121) == "lost"


def test_an_unknown_status_is_stopped(tmp_path):
    writer = Writer(tmp_path)
    writer.append({"kind": "fit", "event": "end", "status": ["?"]})
    writer.close()
    (segment,) = open_reader(tmp_path).segments
    assert (segment.damaged, run_index.status(segment, 0.0)) == (0, "stopped")


def test_a_series_without_anything_finite_has_no_range(tmp_path):
    writer = Writer(tmp_path)
    layout = writer.layout(stores.LAYOUT)
    nan = float("nan")
    writer.append(
        {"kind": "activations", "epoch": 0, "layer": "conv", "layout": layout, "media": "gray8"},
        [b"a", b"b"],
        [(nan, nan, nan, nan)] * 2,
    )
    writer.close()
    (series,) = run_index.run_index(open_reader(tmp_path))["series"]
    assert (series["range"], series["percentiles"]) == (None, None)
