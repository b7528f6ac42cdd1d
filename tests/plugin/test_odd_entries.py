"""One odd entry in a directory is left out alone, wherever directories are listed."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

import odd
import pytest
from made_stores import LAYERS, make_run
from odd import RUNS, patch_scandir

from tbviz.plugin.discovery import Discovery, Root
from tbviz.results.walk import walk
from tbviz.store.disk.locations import location_of, store_directory
from tbviz.store.read.folder import LocalFolder, bytes_in
from tbviz.store.read.reader import open_reader

named = pytest.mark.parametrize("code", odd.CODES, ids=errno.errorcode.get)


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """Three runs. Do not write to them."""
    return odd.make_runs(tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def logs(healthy, tmp_path):
    """A copy of the three runs."""
    shutil.copytree(healthy, tmp_path / "logs")
    return tmp_path / "logs"


@pytest.mark.parametrize("where", ["", "deep", "a"])
@pytest.mark.parametrize("thing", odd.ODD_ENTRIES, ids=lambda thing: thing.__name__)
def test_it_hides_no_run(thing, where, logs, faults):
    thing(logs / where / "k")
    with faults.trying():
        assert [name for name, _ in walk(logs)] == RUNS
        discovery = Discovery([Root(logs, "")])
        discovery.walk()
        assert sorted(discovery.found) == RUNS


@named
def test_an_entry_that_cannot_be_read_is_left_out_alone(code, logs, monkeypatch, faults):
    (logs / "b").mkdir()
    (logs / "deep" / "y").mkdir()
    with faults.trying():
        patch_scandir(monkeypatch, code, "b", "y")
        assert [name for name, _ in walk(logs)] == RUNS
        monkeypatch.undo()
        patch_scandir(monkeypatch, code, "a", "b")
        assert [name for name, _ in walk(logs)] == ["deep/m", "z"]


@named
def test_a_store_that_cannot_be_read_is_left_out_alone(code, logs, monkeypatch):
    real = os.stat

    def fails(path, **named):
        if str(path).startswith(str(logs / "a" / "plugins" / "tbviz")):
            raise OSError(code, os.strerror(code), str(path))
        return real(path, **named)

    monkeypatch.setattr(os, "stat", fails)
    assert [name for name, _ in walk(logs)] == ["deep/m", "z"]


@named
def test_a_directory_that_cannot_be_listed_is_left_out_alone(code, logs, monkeypatch):
    real = os.scandir

    def fails(path="."):
        if Path(path) == logs / "deep":
            raise OSError(code, os.strerror(code), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", fails)
    assert [name for name, _ in walk(logs)] == ["a", "z"]


@named
def test_what_was_listed_before_a_listing_broke_off_counts(code, logs, monkeypatch):
    patch_scandir(monkeypatch, code, max_entries=2, only=logs)
    assert [name for name, _ in walk(logs)] == ["a", "deep/m"]


def test_a_directory_that_vanishes_while_it_is_listed(logs, monkeypatch):
    real = os.scandir

    def vanishing(path="."):
        if path == logs / "deep":
            shutil.rmtree(path)
        return real(path)

    monkeypatch.setattr(os, "scandir", vanishing)
    assert [name for name, _ in walk(logs)] == ["a", "z"]


def test_a_name_that_is_no_text_is_a_run_like_others(logs, board):
    odd.copy_run_a_to_an_odd_name(logs)
    one = board(logs)
    one.plugin._discovery.walk()
    listed = [run["run"] for run in one.ask("runs")["runs"]]
    assert sorted(listed) == [*RUNS[:2], "k\\udcff\\udcfe", "z"]
    assert len(one.ask("index", run="k\\udcff\\udcfe")["positions"]) > 0


def test_links_to_each_other_hide_nothing_that_lies_here_itself(logs, monkeypatch, caplog):
    for one in range(8):
        (logs / f"a{one}").mkdir()
        for other in range(8):
            (logs / f"a{one}" / f"to{other}").symlink_to(logs / f"a{other}")
    monkeypatch.setattr("tbviz.results.walk._MAX_DIRECTORIES", 500)
    assert [name for name, _ in walk(logs)] == RUNS
    assert "the rest is left out" in caplog.text


# The same of other listings.


def test_a_file_that_vanishes_while_a_store_is_measured_hides_no_other(tmp_path, monkeypatch):
    for name, size in (("a", 3), ("b", 5), ("c", 7)):
        (tmp_path / name).write_bytes(bytes(size))
    assert bytes_in(tmp_path) == 15
    with monkeypatch.context() as patched:
        patch_scandir(patched, errno.ENOENT, "b")
        assert bytes_in(tmp_path) == 10
    with monkeypatch.context() as patched:
        patch_scandir(patched, errno.EIO, max_entries=2)
        assert bytes_in(tmp_path) == 8
    assert bytes_in(tmp_path / "nowhere") == 0


@named
def test_a_store_of_which_the_listing_breaks_off_is_not_taken_for_empty(code, logs, monkeypatch):
    folder = LocalFolder(store_directory(logs / "a"))
    assert folder.reachable()
    patch_scandir(monkeypatch, code, max_entries=0)
    assert not folder.reachable()


def test_a_directory_called_like_a_home_that_nobody_has(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_run(Path("~nobody-of-this-name/run"), 1, LAYERS[-1:], images=1)
    assert location_of("~nobody-of-this-name") == Path("~nobody-of-this-name")
    assert [name for name, _ in walk(location_of("~nobody-of-this-name"))] == ["run"]


def test_an_odd_entry_of_an_object_store_hides_no_other(bucket, monkeypatch):
    from fsspec.implementations.memory import MemoryFileSystem

    from tbviz.results.remote_walk import RemoteWalk

    make_run(f"{bucket}/run", 2, LAYERS[-1:], images=1)
    real = MemoryFileSystem.ls

    def odd(fs, path, detail=True, **options):
        found = real(fs, path, detail=detail, **options)
        sizes = [{"name": f"{path}/{size}", "type": "file", "size": size} for size in ("x", [1])]
        return [{}, {"name": f"{path}/untyped"}, *sizes, *found]

    monkeypatch.setattr(MemoryFileSystem, "ls", odd)
    assert RemoteWalk(location_of(bucket)).runs() == ["run"]
    assert len(open_reader(f"{bucket}/run")) == 2
