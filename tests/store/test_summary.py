"""The summary of a store, worked by hand, and every damage that it may have."""

from __future__ import annotations

import json
import os

import pytest
import stores
import whole_store
from made_stores import LAYERS, make_run

from tbviz.store.control import Orders, write_orders
from tbviz.store.disk import locks
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.schema import FitPosition, plain
from tbviz.store.maintain.damaged_sheets import DamagedSheets
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.summary import inspect
from tbviz.store.read.reader import Reader
from tbviz.store.write.writer import Writer


def summarize(log_dir, *, verify=False, now=None):
    answer = inspect(Reader(store_directory(log_dir)), verify=verify, now=now)
    json.dumps(plain(answer), allow_nan=False)
    return answer


def findings(answer, name="damage"):
    return [finding["what"] for finding in answer[name]]


def begin(writer, epochs, first=0):
    writer.append({
        "kind": "fit", "event": "begin", "epochs": epochs, "initial_epoch": first, "steps": 30,
        "backend": "jax", "versions": {}, "model": "net", "time": 1000.0,
    })  # fmt: skip


def test_a_run_of_two_segments_with_gaps(tmp_path):
    writer = Writer(tmp_path)
    begin(writer, 10)
    for epoch in (0, 1, 2, 5, 6):
        whole_store.add(writer, FitPosition(epoch))
    whole_store.add(writer, FitPosition(7, 215))
    writer.close()
    writer = Writer(tmp_path)
    begin(writer, 10, 6)
    for epoch in (6, 8):
        whole_store.add(writer, FitPosition(epoch))
        whole_store.add(writer, FitPosition(epoch), "cam", "other")
    for _ in range(3):
        writer.append({"kind": "notice", "level": "warning", "method": "M", "layer": "conv",
                       "text": "why", "remedy": "do", "key": "k"})  # fmt: skip
    writer.append({"kind": "notice", "level": "info", "method": "M", "layer": "x", "text": "so"})
    writer.append({"kind": "fit", "event": "end", "status": "finished", "reason": None})
    writer.close()
    answer = summarize(tmp_path)
    first, second = answer["segments"]
    # Nobody holds the first one's lock, so that it is lost, however short ago it wrote.
    assert (first["status"], first["being_written"]) == ("lost", False)
    assert first["epochs"] == [[0, 3], [5, 2]]
    assert first["missing"] == [[3, 2]]  # up to the last; what never came is not missing
    assert (first["positions"], first["batches"], first["planned"]) == (6, 1, 10)
    assert (first["started"], first["backend"], first["model"]) == (1000.0, "jax", "net")
    assert (first["format"], first["replaces"], first["by"]) == (2, [], "")
    assert (second["status"], second["initial_epoch"]) == ("finished", 6)
    assert (second["epochs"], second["missing"]) == ([[6, 1], [8, 1]], [[7, 1], [9, 1]])
    assert answer["positions"] == 8
    sizes = [
        path.stat().st_size + path.with_suffix(".jsonl").stat().st_size
        for path in sorted(store_directory(tmp_path).glob("*.pack"))
    ]
    assert [segment["bytes"] for segment in answer["segments"]] == sizes
    assert answer["bytes"] == sum(sizes)
    assert answer["bytes_per_epoch"] == sum(sizes) / 7
    assert answer["forecast"] is None
    activations, cam = answer["series"]
    assert (activations["records"], activations["sheets"], activations["missing"]) == (8, 16, [])
    assert (cam["positions"], cam["missing"]) == ([[6, 2]], [[0, 6]])
    length = sum(len(data) for key, data in whole_store.view(tmp_path).items() if key[2] == "cam")
    assert cam["bytes"] == length
    assert answer["kinds"][1] == {
        "kind": "cam", "method": None, "layers": 1, "positions": 2, "records": 2, "sheets": 4,
        "bytes": length,
    }  # fmt: skip
    assert answer["layers"][1] == {
        "layer": "other", "kinds": ["cam"], "records": 2, "sheets": 4, "bytes": length,
    }  # fmt: skip
    assert answer["warnings"] == [
        {"segment": 2, "key": "k", "method": "M", "layer": "conv", "text": "why", "remedy": "do",
         "count": 3},
    ]  # fmt: skip
    assert (answer["damage"], answer["notes"], answer["orders"]) == ([], [], None)


def test_a_run_that_is_being_written_has_a_forecast_and_no_damage(tmp_path):
    writer = Writer(tmp_path)
    begin(writer, 10)
    for epoch in range(4):
        whole_store.add(writer, FitPosition(epoch))
    writer.flush()
    with writer.path.open("ab") as pack:
        pack.write(b"\x89tbv")  # of the record that is being written
    answer = summarize(tmp_path, now=1e12)  # it has been silent for ages, but it is locked
    [segment] = answer["segments"]
    assert (segment["status"], segment["being_written"]) == ("live", True)
    # Four epochs of ten are there.
    assert answer["forecast"] == answer["bytes"] + int(6 * answer["bytes"] / 4)
    assert answer["damage"] == []
    writer.close()
    answer = summarize(tmp_path)
    assert (answer["segments"][0]["status"], findings(answer)) == ("lost", ["tail"])


def test_without_locks_the_clock_tells(tmp_path, monkeypatch):
    stores.write(tmp_path)
    monkeypatch.setattr(locks, "_HAS_LOCKS", False)
    whole_store.pair(tmp_path)[1].unlink()
    answer = summarize(tmp_path)
    [segment] = answer["segments"]
    assert (segment["status"], segment["being_written"]) == ("live", None)
    assert answer["damage"] == []
    answer = summarize(tmp_path, now=segment["last"] + 121)
    assert (answer["segments"][0]["status"], findings(answer)) == ("lost", ["index-missing"])


def cut(data):
    return data[:-7]


def flip_in_payload(data):
    begin, meta, _ = stores.parse(data)[3]
    at = begin + 24 + len(meta)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def flip_in_header(data):
    begin = stores.parse(data)[3][0]
    return data[:begin] + b"?" + data[begin + 1 :]


@pytest.mark.parametrize(
    ("pack", "index", "found", "verified"),
    [
        (cut, None, ["tail", "index-ahead"], ["tail", "index-ahead"]),
        (None, cut, ["index-behind", "index-bad"], ["index-behind", "index-bad"]),
        (flip_in_payload, None, [], ["sheet"]),
        # The index knows the record; only who reads the pack itself sees what has become of it.
        (flip_in_header, None, [], ["damaged"]),
        (flip_in_header, lambda _: b"", ["damaged", "index-behind"], ["damaged", "index-behind"]),
        (None, lambda data: data.replace(b"metr", b"m etr").replace(b"conv", b"c", 1),
         ["index-behind", "index-bad"], ["index-behind", "index-bad"]),
    ],
)  # fmt: skip
def test_damage(tmp_path, pack, index, found, verified):
    stores.write(tmp_path)
    for path, spoil in zip(whole_store.pair(tmp_path), (pack, index), strict=True):
        if spoil is not None:
            path.write_bytes(spoil(path.read_bytes()))
    answer = summarize(tmp_path)
    assert findings(answer) == found
    thorough = summarize(tmp_path, verify=True)
    assert findings(thorough) == verified
    for finding in thorough["damage"]:
        assert finding["segment"] == 1
        # A sheet's bytes are gone for good.
        assert finding["remedy"] == (None if finding["what"] == "sheet" else "tbviz repair")
    if "sheet" in verified:
        [finding] = thorough["damage"]
        assert finding["text"] == "activations of conv, epoch 1, sheet 0: lost"


def test_damaged_sheets_are_listed_by_kind_and_layer(tmp_path):
    damaged = DamagedSheets()
    metas = [
        {"kind": "cam", "layer": "a", "epoch": epoch, "sheets": [[3, 0], [3, 0], [3, 891568578]]}
        for epoch in (7, 3, 4, 5, 7)
    ]
    for meta in metas:
        assert damaged.check(meta, b"abcdefabc")
    assert damaged.check({"kind": "overview", "epoch": 2, "batch": 9, "sheets": [[1, 0]]}, b"x")
    assert not damaged.check({"kind": "cam", "layer": "b", "sheets": [[3, 891568578]]}, b"abc")
    assert damaged.texts() == [
        "cam of a, epochs 3-5, 7, 10 sheets",
        "overview, epoch 2, batch 9, sheet 0",
    ]
    assert damaged.count == 11


def test_a_kind_counts_the_positions_at_which_any_layer_has_it(tmp_path):
    writer = Writer(tmp_path)
    for epoch in range(9):
        whole_store.add(writer, FitPosition(epoch))
    for epoch, layer in ((0, "a"), (0, "b"), (8, "b"), (8, "c")):
        whole_store.add(writer, FitPosition(epoch), "maximization", layer)
    writer.close()
    kinds = {kind["kind"]: kind["positions"] for kind in summarize(tmp_path)["kinds"]}
    assert kinds == {"activations": 9, "maximization": 2}


def test_invalid_records_and_newer_formats_are_damage(tmp_path):
    stores.write(tmp_path)
    pack, index = whole_store.pair(tmp_path)
    index.unlink()
    senseless = b'{"kind":"activations","time":2.0,"epoch":9,"layer":7,"layout":"?","sheets":[]}'
    newer = b'{"kind":"writer","time":2.0,"format":7,"uid":"%b"}' % pack.stem[7:].encode()
    pack.write_bytes(pack.read_bytes() + stores.record(senseless))
    answer = summarize(tmp_path)
    assert findings(answer) == ["index-missing", "records"]
    assert "1 record that" in answer["damage"][1]["text"]
    # The first record says the format; in a later one it makes no sense.
    pack.write_bytes(pack.read_bytes() + stores.record(newer))
    answer = summarize(tmp_path)
    assert findings(answer) == ["index-missing", "records"]
    assert "2 records that" in answer["damage"][1]["text"]
    pack.write_bytes(stores.record(newer) + stores.record(senseless))
    answer = summarize(tmp_path)
    assert findings(answer) == ["format"]
    assert "written in format 7; this tbviz reads format 2" in answer["damage"][0]["text"]
    (store_directory(tmp_path) / "control.json").write_text("{")
    assert findings(summarize(tmp_path))[0] == "orders"


def test_other_files_in_a_store_are_notes(tmp_path):
    old = stores.write(tmp_path).path
    store = store_directory(tmp_path)
    write_orders(store, Orders(paused=True, every=5))
    (store / "holiday.jpg").write_bytes(b"jpg")
    (store / f"000009-{'a' * 16}.pack").touch()
    (store / f"000009-{'b' * 16}.jsonl").touch()
    (store / f".000009-{'c' * 16}.pack").write_bytes(b"draft")
    os.mkfifo(store / f"000009-{'d' * 16}.pack")
    data = old.read_bytes()
    answer = summarize(tmp_path)
    assert answer["orders"] == {"paused": True, "every": 5, "now": ""}
    assert findings(answer, "notes") == ["leftover", "empty", "foreign"]
    assert f"000009-{'b' * 16}.jsonl, holiday.jpg" in answer["notes"][2]["text"]
    assert answer["damage"] == []
    list(prune(store, KeepRule(10, 0)))
    old.write_bytes(data)
    answer = summarize(tmp_path)
    assert findings(answer, "notes") == ["leftover", "leftover", "empty", "foreign"]
    assert answer["segments"][0]["by"] == "prune"
    assert answer["positions"] == 2  # there was nothing but pictures at the others


def test_a_healthy_run_of_every_kind_verifies(tmp_path):
    make_run(tmp_path, 4, LAYERS[-2:], images=2, every_kind=True)
    answer = summarize(tmp_path, verify=True)
    assert (answer["damage"], answer["notes"]) == ([], [])
    counted = {kind["kind"]: (kind["method"], kind["layers"]) for kind in answer["kinds"]}
    assert counted["activations"] == ("ActivationGrid", 2)
    view = whole_store.view(tmp_path)
    assert sum(series["sheets"] for series in answer["series"]) == len(view)
    assert sum(series["bytes"] for series in answer["series"]) == sum(map(len, view.values()))


def test_a_store_that_is_not_there_is_empty(tmp_path):
    answer = summarize(tmp_path)
    assert (answer["segments"], answer["positions"], answer["bytes_per_epoch"]) == ([], 0, None)
    assert findings(answer, "notes") == ["unreadable"]


def test_warnings_are_counted_by_key_and_contain_their_event(tmp_path):
    writer = Writer(tmp_path)
    fields = {"kind": "notice", "level": "warning", "method": "M", "layer": None, "remedy": None}
    for key, text in (("one", "no map"), ("one", "no map at all"), ("two", "no map")):
        writer.append({**fields, "event": "error", "key": key, "rule": None, "text": text})
    writer.append({**fields, "event": 5, "key": [1], "rule": {}, "text": "odd"})
    writer.close()
    found = summarize(tmp_path)["warnings"]
    known = [(one["event"], one["key"], one["rule"], one["text"], one["count"]) for one in found]
    assert known == [
        ("error", "one", None, "no map", 2),
        ("error", "two", None, "no map", 1),
        ("5", "[1]", "{}", "odd", 1),
    ]


def test_warnings_without_a_key_count_on_their_own(tmp_path):
    writer = Writer(tmp_path)
    for _ in range(2):
        writer.append({"kind": "notice", "level": "warning", "method": "M", "text": "no map"})
    writer.close()
    found = summarize(tmp_path)["warnings"]
    assert [(one["text"], one["count"]) for one in found] == [("no map", 1), ("no map", 1)]
