from __future__ import annotations

import gc
import os
import shutil
import threading
import weakref
from argparse import Namespace
from pathlib import Path

import pytest
from made_stores import LAYERS, make_run

from tbviz.plugin import discovery as module
from tbviz.plugin.discovery import Discovery, Root, roots, run_name
from tbviz.results.walk import walk
from tbviz.store.disk.locations import RemoteLocation, store_directory
from tbviz.store.read import pack_scanner


def make(*directories):
    for directory in directories:
        store_directory(directory).mkdir(parents=True)


def wait_for(name):
    for thread in threading.enumerate():
        if thread.name == name:
            thread.join(60)


def names(root):
    return [relative for relative, _ in walk(root)]


def test_runs_are_named_relative_to_the_log_directory(tmp_path):
    make(tmp_path / "a", tmp_path / "b" / "c", tmp_path / "b" / "c" / "deep", tmp_path)
    (tmp_path / "empty" / "train").mkdir(parents=True)
    assert names(tmp_path) == [".", "a", "b/c", "b/c/deep"]
    assert dict(walk(tmp_path))["b/c"] == tmp_path / "b" / "c" / "plugins" / "tbviz"
    assert names(tmp_path / "a") == ["."]
    assert names(tmp_path / "nowhere") == []


def test_folders_of_plugins_are_not_entered(tmp_path):
    make(tmp_path / "plugins" / "profile" / "run", tmp_path / "run")
    (tmp_path / "run" / "plugins" / "tbviz" / "plugins" / "tbviz").mkdir(parents=True)
    assert names(tmp_path) == ["run"]


def test_links_are_followed_and_loops_end(tmp_path):
    make(tmp_path / "run")
    (tmp_path / "latest").symlink_to(tmp_path / "run")
    (tmp_path / "run" / "up").symlink_to(tmp_path)
    (tmp_path / "run" / "self").symlink_to(".")
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    assert names(tmp_path) == ["latest", "run"]


def test_links_that_lead_to_each_other_in_many_ways_end(tmp_path, monkeypatch, caplog):
    for one in range(9):
        (tmp_path / str(one)).mkdir()
        for other in range(9):
            (tmp_path / str(one) / f"to{other}").symlink_to(tmp_path / str(other))
    monkeypatch.setattr("tbviz.results.walk._MAX_DIRECTORIES", 2000)
    assert names(tmp_path) == []
    assert "the rest is left out" in caplog.text


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_directory_that_may_not_be_read_is_left_out(tmp_path):
    make(tmp_path / "a", tmp_path / "b")
    (tmp_path / "a").chmod(0)
    assert names(tmp_path) == ["b"]
    (tmp_path / "a").chmod(0o700)


@pytest.mark.parametrize(
    ("logdir", "spec", "expected"),
    [
        ("", "", []),
        ("logs", "", [(Path("logs"), "")]),
        ("~/logs", "", [(Path.home() / "logs", "")]),
        ("logs", "x:other", [(Path("logs"), "")]),
        ("", "x:/a", [(Path("/a"), "x")]),
        ("", "x:/a,y:/b:c", [(Path("/a"), "x"), (Path("/b:c"), "y")]),
        ("", "/a:b", [(Path("/a:b"), "")]),
        ("", "/a,,", [(Path("/a"), "")]),
        ("s3://b/logs/", "", [(RemoteLocation("s3://b/logs"), "")]),
        (
            "",
            "gs://b,x:s3://c/d",
            [(RemoteLocation("gs://b"), ""), (RemoteLocation("s3://c/d"), "x")],
        ),
        ("file:///a", "", [(Path("/a"), "")]),
    ],
)
def test_flags_are_read_as_tensorboard_reads_them(logdir, spec, expected):
    assert roots(logdir, spec) == [Root(*root) for root in expected]


@pytest.mark.parametrize("spec", ["x:/a", "x:/a,y:/b:c", "/a:b", "/a", "a/b", "x:a", "gs://a/b"])
def test_specs_mean_what_they_mean_to_tensorboard(spec):
    from tensorboard.backend.event_processing.data_ingester import _parse_event_files_spec

    theirs = _parse_event_files_spec(spec)
    assert {str(root.path): root.name or None for root in roots("", spec)} == theirs


def test_run_name_joins_as_tensorboard_does():
    assert run_name("", ".") == "."
    assert run_name("", "a/b") == "a/b"
    assert run_name("x", "a/b") == "x/a/b"
    assert run_name("x", ".") == "x/."


def test_it_rests_ten_times_as_long_as_it_walked(tmp_path, monkeypatch):
    make(tmp_path / "a")
    clock = [100.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    discovery = Discovery([Root(tmp_path, "")])
    assert discovery.walk() == 1.0

    def slow(root):
        clock[0] += 3.0
        return walk(root)

    monkeypatch.setattr(module, "walk", slow)
    assert discovery.walk() == pytest.approx(30.0)


def test_a_walk_that_fails_is_logged_and_the_thread_goes_on(tmp_path, monkeypatch, caplog):
    walked = []
    discovery = Discovery([Root(tmp_path, "")])

    def fail():
        walked.append(1)
        if len(walked) < 3:
            raise RuntimeError("no")
        discovery.stop()
        return 0.0

    monkeypatch.setattr(discovery, "walk", fail)
    monkeypatch.setattr(module, "_REST", 0.01)
    discovery.start(0.0)
    assert discovery._stopped.wait(60)
    assert len(walked) == 3
    assert "looking for runs failed" in caplog.text


def test_the_thread_ends_with_the_plugin(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MIN_REST", 0.01)
    discovery = Discovery([Root(tmp_path, "")])
    before = set(threading.enumerate())
    discovery.start(60.0)
    [thread] = set(threading.enumerate()) - before
    gone = weakref.ref(discovery)
    del discovery
    for _ in range(600):
        gc.collect()
        thread.join(0.1)
        if not thread.is_alive():
            break
    assert gone() is None
    assert not thread.is_alive()


def test_is_active_and_routes_read_the_last_walk_and_never_the_disk(board, tmp_path, monkeypatch):
    make_run(tmp_path / "run", positions=1, layers=LAYERS[:1], images=1)
    one = board(tmp_path)
    assert one.listing()["enabled"] is True

    def forbidden(*_):
        raise AssertionError("the disk was touched")

    monkeypatch.setattr(module.os, "scandir", forbidden)
    assert one.plugin.is_active()
    one.refuse(404, "index", run="other")


def test_runs_are_opened_once_a_page_comes_and_not_while_tensorboard_starts(
    board, tmp_path, monkeypatch
):
    make_run(tmp_path / "run", positions=1, layers=LAYERS[:1], images=1)
    opened, original = [], pack_scanner.open_file
    monkeypatch.setattr(
        pack_scanner, "open_file", lambda *args: opened.append(args) or original(*args)
    )
    one = board(tmp_path)
    assert list(one.plugin._discovery.found) == ["run"]
    assert opened == []
    assert one.listing()["enabled"] is True
    wait_for("tbviz-opening")
    assert len(opened) > 0
    opened.clear()
    assert one.listing()["enabled"] is True
    assert "tbviz-opening" not in {thread.name for thread in threading.enumerate()}
    assert opened == []


def test_opening_that_fails_is_logged_and_the_listing_is_not_harmed(
    board, tmp_path, monkeypatch, caplog
):
    make_run(tmp_path / "run", positions=1, layers=LAYERS[:1], images=1)
    one = board(tmp_path)
    monkeypatch.setattr(one.plugin._runs, "list", lambda: 1 / 0)
    assert one.listing()["enabled"] is True
    wait_for("tbviz-opening")
    assert "opening runs in advance failed" in caplog.text


def test_runs_come_and_go_while_tensorboard_runs(board, tmp_path):
    one = board(tmp_path)
    assert one.listing()["enabled"] is False
    assert one.ask("runs")["runs"] == []
    make_run(tmp_path / "run", positions=2, layers=LAYERS[:1], images=1)
    one.plugin._discovery.walk()
    assert one.listing()["enabled"] is True
    assert [run["run"] for run in one.ask("runs")["runs"]] == ["run"]
    shutil.rmtree(tmp_path / "run")
    one.plugin._discovery.walk()
    assert one.ask("runs")["runs"] == []
    assert one.listing()["enabled"] is False


def test_names_with_logdir_and_spec(board, tmp_path):
    make_run(tmp_path / "one" / "deep", positions=1, layers=LAYERS[:1], images=1)
    make_run(tmp_path / "two", positions=2, layers=LAYERS[:1], images=1)

    def runs(**context):
        return {run["run"]: run["positions"] for run in board(**context).ask("runs")["runs"]}

    assert runs(logdir=tmp_path) == {"one/deep": 1, "two": 2}
    assert runs(logdir=tmp_path / "two") == {".": 2}
    spec = Namespace(logdir="", logdir_spec=f"x:{tmp_path / 'one'},y:{tmp_path / 'two'}")
    assert runs(flags=spec) == {"x/deep": 1, "y/.": 2}
