"""Viewing what lies in an object store: fsspec's memory file system stands for it."""

from __future__ import annotations

import logging
import struct
from argparse import Namespace

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem
from made_stores import LAYERS, Run, make_run

from tbviz.plugin import discovery as module
from tbviz.plugin.discovery import Discovery, Root
from tbviz.results.remote_walk import RemoteWalk
from tbviz.store.disk.locations import location_of
from tbviz.store.read.object_store_folder import ObjectStoreFolder
from tbviz.store.read.reader import open_reader


@pytest.fixture
def at_once(monkeypatch):
    """Runs are listed whenever they are asked for, not behind the asker's back."""
    monkeypatch.setattr(module, "_REMOTE_LISTING", 0.0)
    monkeypatch.setattr("tbviz.plugin.runs._REFRESH", 0.0)


@pytest.fixture
def found(bucket):
    """Puts files into the bucket; gives the runs that are found in it."""

    def put(*paths):
        fs = fsspec.filesystem("memory")
        for path in paths:
            fs.pipe_file(f"{bucket}/{path}", b"x")
        return RemoteWalk(location_of(bucket)).runs()

    return put


def test_every_route_answers_over_an_object_store(bucket, board, at_once):
    make_run(f"{bucket}/a/run", positions=6, layers=LAYERS[:2], images=2, segments=2)
    one = board(bucket)
    one.plugin._discovery.walk()
    assert one.listing()["enabled"] is True
    (entry,) = one.ask("runs")["runs"]
    assert (entry["run"], entry["positions"], entry["status"]) == ("a/run", 6, "finished")
    index = one.ask("index", run="a/run")
    assert index["positions"] == [[1, 0, 3], [2, 2, 3]]
    assert [segment["damaged"] for segment in index["segments"]] == [0, 0]
    series = one.ask("series", run="a/run", kind="activations", layer="conv1")
    writer = series["writers"][1][0]
    offset, length, crc = (series[name][-1] for name in ("offset", "length", "crc"))
    location = {"writer": writer, "offset": offset, "length": length, "crc": crc}
    sheet = one.get("sheet", run="a/run", **location)
    expected = open_reader(f"{bucket}/a/run").picture("activations", "conv1", 5, 1)
    assert sheet.get_data() == expected
    assert "immutable" in sheet.headers["Cache-Control"]
    named = ":".join(map(str, location.values()))
    several = one.get("sheets", run="a/run", sheets=f"{named},{named}").get_data()
    assert several == (struct.pack("<I", length) + expected) * 2
    for route, parameters in {
        "scalars": {},
        "health": {},
        "predictions": {},
        "model": {},
        "channels": {"layer": "conv1", "position": 5},
        "strip": {"kind": "activations", "layer": "conv1", "image": 0, "tiles": "0,1",
                  "positions": "0-5"},
    }.items():  # fmt: skip
        assert one.get(route, run="a/run", **parameters).status_code == 200, route
    one.refuse(410, "sheet", run="a/run", **{**location, "offset": offset + 1})


def test_a_run_that_grows_is_followed_and_one_that_is_begun_anew_is_reset(bucket, board, at_once):
    run = Run(f"{bucket}/run", LAYERS[:1], images=1, epochs=9)
    run.add()
    one = board(bucket)
    one.plugin._discovery.walk()
    known = one.ask("index", run="run")
    run.add()
    news = one.ask("index", run="run", since=known["cursor"])
    assert (news["reset"], news["positions"]) == (False, [[1, 1, 1]])
    again = one.ask("index", run="run", since=news["cursor"])
    assert set(again) == {"cursor", "now"}
    # A cursor outlives the server.
    two = board(bucket)
    two.plugin._discovery.walk()
    assert set(two.ask("index", run="run", since=news["cursor"])) == {"cursor", "now"}
    fsspec.filesystem("memory").rm(f"{bucket}/run", recursive=True)
    make_run(f"{bucket}/run", positions=1, layers=LAYERS[:1], images=1)
    anew = one.ask("index", run="run", since=news["cursor"])
    assert (anew["reset"], anew["positions"]) == (True, [[1, 0, 1]])


def test_runs_are_found_and_folders_of_plugins_are_not_entered(found):
    names = found(
        "one/plugins/tbviz/000001-a.part",
        "two/deep/plugins/tbviz/x",
        "two/deep/plugins/tbviz/plugins/tbviz/x",
        "plugins/profile/run/plugins/tbviz/x",
        "three/plugins/profile/x",
        "four/train/events.out.tfevents.1",
        "one/events.out.tfevents.1",
    )
    assert names == ["one", "two/deep"]
    assert found("plugins/tbviz/x") == [".", "one", "two/deep"]


def test_keys_with_odd_parts_end_no_walk(found):
    assert found("one/./plugins/tbviz/x", "../two/plugins/tbviz/x", "three//plugins/tbviz/x") == []


def test_a_known_run_costs_no_request_of_its_own(bucket, found, monkeypatch):
    walk = RemoteWalk(location_of(bucket))
    found("one/plugins/tbviz/x", "two/plugins/tbviz/x")
    listed = []
    ls = MemoryFileSystem.ls
    monkeypatch.setattr(
        MemoryFileSystem, "ls", lambda fs, path, **how: listed.append(path) or ls(fs, path, **how)
    )
    assert walk.runs() == ["one", "two"]
    assert len(listed) == 5
    del listed[:]
    assert walk.runs() == ["one", "two"]
    assert len(listed) == 3


def test_a_folder_that_cannot_be_listed_now_keeps_its_runs(bucket, found, monkeypatch):
    walk = RemoteWalk(location_of(bucket))
    found("one/plugins/tbviz/x", "two/deep/plugins/tbviz/x")
    assert walk.runs() == ["one", "two/deep"]
    ls = MemoryFileSystem.ls

    def fails(part):
        def failing(fs, path, **options):
            if path.endswith(part):
                raise PermissionError(path)
            return ls(fs, path, **options)

        return failing

    with monkeypatch.context() as patched:
        patched.setattr(MemoryFileSystem, "ls", fails("two"))
        assert walk.runs() == ["one", "two/deep"]
        patched.setattr(MemoryFileSystem, "ls", fails(bucket.removeprefix("memory:/")))
        with pytest.raises(PermissionError):
            walk.runs()
    assert walk.runs() == ["one", "two/deep"]


def test_too_many_folders_are_left_out(found, monkeypatch, caplog):
    monkeypatch.setattr("tbviz.results.remote_walk._MAX_FOLDERS", 10)
    assert found(*(f"{index}/plugins/tbviz/x" for index in range(20))) == []
    assert "the rest is left out" in caplog.text


def test_what_is_unreachable_is_said_once_and_known_runs_stay(bucket, found, monkeypatch, caplog):
    monkeypatch.setattr(module.time, "monotonic", lambda: 1000.0)
    found("one/plugins/tbviz/x")
    discovery = Discovery([Root(location_of(bucket), "x")])
    assert discovery.walk() == 15.0
    assert discovery.found == {
        "x/one": ObjectStoreFolder(location_of(f"{bucket}/one/plugins/tbviz"))
    }

    def fail(*_, **__):
        raise ValueError("no credentials")

    monkeypatch.setattr(MemoryFileSystem, "ls", fail)
    for _ in range(3):
        discovery.walk()
    assert list(discovery.found) == ["x/one"]
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "no credentials" in caplog.text


def test_a_store_that_fsspec_does_not_know_harms_nobody(board, tmp_path, caplog):
    make_run(tmp_path / "here", positions=1, layers=LAYERS[:1], images=1)
    spec = Namespace(logdir="", logdir_spec=f"far:nosuch://bucket/logs,near:{tmp_path}")
    one = board(flags=spec)
    one.plugin._discovery.walk()
    assert [run["run"] for run in one.ask("runs")["runs"]] == ["near/here"]
    assert "pip install 'tbviz[remote]'" in caplog.text


def test_walks_are_rarer_where_nothing_new_is_found(bucket, found, monkeypatch):
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    discovery = Discovery([Root(location_of(bucket), "")])
    assert discovery.walk() == 15.0
    clock[0] += 3000.0
    assert discovery.walk() == 300.0
    clock[0] += 30_000.0
    assert discovery.walk() == 600.0
    found("new/plugins/tbviz/x")
    assert discovery.walk() == 15.0
