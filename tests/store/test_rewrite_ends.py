"""A repair or a prune in which any one call fails leaves no file open, and loses nothing."""

from __future__ import annotations

import contextlib
import errno
from pathlib import Path

import pytest
import stores
from failing import FailingCalls, held_open

from tbviz.store.disk.locations import store_directory
from tbviz.store.disk.locks import hold
from tbviz.store.errors import StoreError
from tbviz.store.maintain.leftovers import clear, leftovers
from tbviz.store.maintain.packs import packs
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.read.reader import open_reader

pytestmark = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


def pruned(log_dir):
    return list(prune(store_directory(log_dir), KeepRule(None, 1)))


def repaired(log_dir):
    return list(repair(store_directory(log_dir)))


def with_torn_tail(log_dir):
    """Four positions and half a record."""
    path = stores.write(log_dir).path
    with path.open("ab") as file:
        file.write(stores.record(b'{"kind":"x"}')[:20])


def without_index(log_dir):
    """Four positions, of which the index is lost."""
    stores.write(log_dir).path.with_suffix(".jsonl").unlink()


CASES = [(stores.write, pruned, [0, 3]), (with_torn_tail, repaired, range(4)),
         (without_index, repaired, range(4))]  # fmt: skip


@pytest.mark.parametrize(("make", "rewrite", "epochs"), CASES, ids=["prune", "repair", "index"])
@pytest.mark.parametrize("names", [None, ("unlink",), ("close", "write")])
def test_a_failing_call_leaves_no_file_open_and_loses_nothing(
    make, rewrite, epochs, names, tmp_path, monkeypatch, faults
):
    make(tmp_path / "whole")
    calls = FailingCalls() if names is None else FailingCalls(names=names)
    with calls(monkeypatch):
        rewrite(tmp_path / "whole")
    for number in range(len(calls.made)):
        log_dir = tmp_path / str(number)
        make(log_dir)
        before = held_open()
        last = number if names is None else 10_000
        with (
            FailingCalls(number, last, errno.EIO, calls.names)(monkeypatch),
            contextlib.suppress(StoreError, OSError),  # the error is raised, which is fine
        ):
            rewrite(log_dir)
        with faults.trying():
            assert held_open() == before
            whole(log_dir, epochs)
            for pack in packs(store_directory(log_dir)):
                with pack.open("rb") as file:
                    assert hold(file.fileno()) is not False
            # The next one has its way.
            for leftover in leftovers(store_directory(log_dir)):
                assert clear(leftover)
            rewrite(log_dir)
            whole(log_dir, epochs)
            assert len(list(store_directory(log_dir).iterdir())) == 2


def whole(log_dir, epochs):
    run = open_reader(log_dir)
    at = {position.epoch: number for number, (_, position) in enumerate(run.positions)}
    for epoch in epochs:  # in this store a position is its one picture
        assert run.picture("activations", "conv", at[epoch], 1) == stores.sheets(epoch)[1]
