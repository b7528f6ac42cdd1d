"""What is odd beside runs, or wrong with one of them, keeps no command from the others."""

from __future__ import annotations

import errno
import json
import os
import shutil
from pathlib import Path

import odd
import pytest
from odd import RUNS

from tbviz.store.control import read_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.folder import LocalFolder
from tbviz.store.read.reader import open_reader

THINGS = [odd.a_loop, odd.a_loop_instead_of_a_store, odd.a_pipe, odd.a_link_to_its_parent]
COMMANDS = {
    "inspect": ["inspect", "--json"],
    "prune": ["prune", "--keep", "last=1"],
    "repair": ["repair"],
    "control": ["control"],
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory):
    """Three runs. Do not write to them."""
    return odd.make_runs(tmp_path_factory.mktemp("healthy"))


@pytest.fixture
def logs(healthy, tmp_path):
    """A copy of the three runs, of which the indices are gone."""
    shutil.copytree(healthy, tmp_path / "logs")
    for index in (tmp_path / "logs").rglob("*.jsonl"):
        index.unlink()
    return tmp_path / "logs"


@pytest.fixture
def command(tbviz):
    """Types a command; gives its status, what it printed and what it complained of."""

    def typed(name, log_dir):
        status, said = tbviz(*COMMANDS[name], log_dir, *(["pause"] if name == "control" else []))
        return status, said.out, said.err

    return typed


def treated(name, log_dir, out, expected):
    """Whether a command did its work on exactly these runs."""
    stores = [store_directory(log_dir / run) for run in expected]
    if name == "inspect":
        found = json.loads(out)["runs"]
        return [(run["run"], run["positions"]) for run in found] == [(r, 4) for r in expected]
    if name == "control":
        return all(read_orders(store).paused for store in stores)
    if name == "repair":
        return all(next(store.glob("*.pack")).with_suffix(".jsonl").exists() for store in stores)
    return all(
        open_reader(log_dir / run).segments[0].by == "prune" and f"{log_dir / run}: " in out
        for run in expected
    )


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("thing", THINGS, ids=lambda thing: thing.__name__)
def test_it_is_in_the_way_of_no_command(thing, name, logs, command, faults):
    thing(logs / "k")
    with faults.trying():
        status, out, err = command(name, logs)
        assert (status, err) == (4 if name == "inspect" else 0, "")
        assert treated(name, logs, out, RUNS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_name_that_is_no_text_is_a_run_like_others(name, logs, command):
    odd.copy_run_a_to_an_odd_name(logs)
    names = [*RUNS[:2], "k\\udcff\\udcfe", "z"]
    status, out, err = command(name, logs)
    assert (status, err) == (4 if name == "inspect" else 0, "")
    out.encode("utf-8")
    assert treated(name, logs, out, names if name == "inspect" else RUNS)
    assert names[2] in out.replace("\\\\", "\\")


@pytest.mark.parametrize("name", ["repair", "prune"])
def test_a_store_that_cannot_be_listed_is_said_and_the_others_are_treated(
    name, logs, monkeypatch, command
):
    store, real = store_directory(logs / "a"), os.listdir

    def fails(path="."):
        if Path(path) == store:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "listdir", fails)
        status, out, err = command(name, logs)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"tbviz {name}: {logs / 'a'}: ")
    assert "Permission denied" in err
    assert treated(name, logs, out, RUNS[1:])
    assert "nothing to repair" not in out


@pytest.mark.parametrize("name", ["repair", "prune"])
def test_a_pack_that_cannot_be_opened_is_left_and_the_others_are_treated(
    name, logs, monkeypatch, command
):
    shutil.copy(next(store_directory(logs / "z").glob("*.pack")), store_directory(logs / "a"))
    pack, other = sorted(store_directory(logs / "a").glob("*.pack"))
    real = os.open

    def fails(path, *arguments, **named):
        if str(path) == str(pack):
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return real(path, *arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(os, "open", fails)
        status, out, err = command(name, logs)
    assert (status, err) == (0, "")
    assert pack.exists()
    assert treated(name, logs, out, RUNS[1:])
    if name == "repair":
        assert f"{pack.name}: skipped, because it cannot be read (Permission denied)" in out
        assert other.with_suffix(".jsonl").exists()
        assert "1 pack skipped" in out


def test_orders_that_cannot_be_left_in_one_run_are_left_in_the_others(logs, command):
    (store_directory(logs / "deep" / "m") / "control.json").mkdir()
    status, out, err = command("control", logs)
    assert (status, err.count("\n")) == (1, 1)
    assert err.startswith(f"tbviz control: {logs / 'deep' / 'm'}: could not write ")
    assert treated("control", logs, out, ["a", "z"])
    assert out.count("nothing is captured until") == 2
    assert "the order takes effect in the next fit" in out


def test_a_run_that_cannot_be_inspected_is_said_and_the_others_are_shown(
    logs, monkeypatch, command
):
    from tbviz.store.maintain import check

    real = check.orders

    def fails(reader):
        if reader.folder == LocalFolder(store_directory(logs / "z")):
            raise OSError(errno.EIO, "Input/output error")
        return real(reader)

    monkeypatch.setattr(check, "orders", fails)
    status, out, err = command("inspect", logs)
    assert (status, err.count("\n")) == (4, 1)
    assert err.startswith(f"tbviz inspect: {logs / 'z'}: ")
    assert treated("inspect", logs, out, RUNS[:2])


@pytest.mark.parametrize("name", COMMANDS)
def test_a_log_directory_that_cannot_be_listed_says_so(name, tmp_path, command):
    loop = tmp_path / "loop"
    loop.symlink_to("loop")
    status, out, err = command(name, loop)
    assert (status, out) == (1, "")
    assert f"received {loop}, which cannot be listed (Too many levels of symbolic links); " in err
    status, out, err = command(name, tmp_path / ("n" * 300))
    assert (status, out) == (1, "")
    assert "which cannot be listed (File name too long); " in err
