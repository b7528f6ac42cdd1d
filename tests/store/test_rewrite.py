"""A pack replaces another one completely or not at all, wherever the rewriting is interrupted."""

from __future__ import annotations

import errno
import os
import sys
import threading
from pathlib import Path

import pytest
import whole_store
from children.starting import run_program

from tbviz.store.disk import locks
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError
from tbviz.store.maintain import draft
from tbviz.store.maintain.exclusive import exclusive
from tbviz.store.maintain.leftovers import clear, leftovers
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.write.writer import Writer

RULE = KeepRule(10, 0)
KILLS = Path(__file__).parent / "killed_rewrites.py"


def write(log_dir, positions=12):
    writer = Writer(log_dir)
    for epoch in range(positions):
        whole_store.add(writer, whole_store.FitPosition(epoch))
    writer.close()
    return log_dir


@pytest.mark.parametrize("command", ["prune", "repair", "index"])
def test_a_kill_at_any_step_loses_and_doubles_nothing(command, tmp_path):
    source = write(tmp_path / "source")
    before = whole_store.view(source)
    pack, index = whole_store.pair(source)
    if command == "repair":
        pack.write_bytes(pack.read_bytes() + b"torn")
    if command == "index":
        index.write_bytes(index.read_bytes()[:-300])
    done = run_program([sys.executable, KILLS, command, source, tmp_path], check=True)
    steps = int(done.stdout)
    # Drafts made, written, synced and renamed; the old pair deleted; the directory synced.
    assert steps == (5 if command == "index" else 12)
    after = {key: data for key, data in before.items() if key[1].epoch in {0, 10, 11}}
    after = after if command == "prune" else before
    seen = []
    for step in range(steps):
        for killed in (tmp_path / f"{step}-before", tmp_path / f"{step}-half"):
            seen.append(whole_store.view(killed) == after)
            assert whole_store.view(killed) in (before, after), killed
            assert whole_store.epochs(killed) == list(range(12))
            finish(killed, command)
            assert whole_store.view(killed) == after
            assert whole_store.losses(killed) == [1.0 + epoch for epoch in range(12)]
            assert len(whole_store.files(killed)) == 2
    assert True in seen
    assert leftovers(store_directory(tmp_path / f"{steps - 1}-half")) == []


def finish(log_dir, command):
    store = store_directory(log_dir)
    for leftover in leftovers(store):
        assert clear(leftover)
    done = list(prune(store, RULE) if command == "prune" else repair(store))
    assert len(done) == 1


@pytest.mark.parametrize("failing", range(2))
def test_a_full_disk_leaves_everything_as_it_was(failing, tmp_path, monkeypatch):
    write(tmp_path)
    pack, index = whole_store.pair(tmp_path)
    before = (pack.read_bytes(), index.read_bytes())
    real, calls = os.write, []

    def full(descriptor, data):
        calls.append(len(data))
        if len(calls) > failing:
            real(descriptor, data[: len(data) // 2])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(descriptor, data)

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(
        StoreError, match=r"No space left on device.*unchanged.*bytes of free space"
    ):
        list(prune(pack.parent, RULE))
    assert whole_store.files(tmp_path) == sorted([pack.name, index.name])
    assert (pack.read_bytes(), index.read_bytes()) == before


def test_a_draft_that_does_not_read_back_is_thrown_away(tmp_path, monkeypatch):
    write(tmp_path)
    pack, index = whole_store.pair(tmp_path)
    real = os.write

    def flip(descriptor, data):
        wrong = bytearray(data)
        wrong[len(wrong) // 2] ^= 1
        return real(descriptor, wrong)

    monkeypatch.setattr(os, "write", flip)
    with pytest.raises(StoreError, match="differs from what was written"):
        list(prune(pack.parent, RULE))
    monkeypatch.undo()
    assert whole_store.files(tmp_path) == sorted([pack.name, index.name])
    assert len(whole_store.view(tmp_path)) == 24


def test_a_rename_that_fails_leaves_the_old_pair_alone(tmp_path, monkeypatch):
    write(tmp_path)
    pack, index = whole_store.pair(tmp_path)
    real = os.replace

    def fail(source, target):
        if str(target).endswith(".pack"):
            raise PermissionError(errno.EACCES, "Permission denied")
        real(source, target)

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(StoreError, match="Permission denied"):
        list(prune(pack.parent, RULE))
    assert whole_store.files(tmp_path) == sorted([pack.name, index.name])


def test_a_live_writer_is_left_alone_and_continues(tmp_path):
    writer = Writer(tmp_path)
    for epoch in range(12):
        whole_store.add(writer, whole_store.FitPosition(epoch))
    writer.flush()
    store = store_directory(tmp_path)
    files = whole_store.files(tmp_path)
    [pruned] = prune(store, RULE)
    assert "skipped, because it is being written" in pruned.left
    [treated] = repair(store, force=True)  # a lock is believed whatever is forced
    assert (treated.action, whole_store.files(tmp_path)) == ("left", files)
    whole_store.add(writer, whole_store.FitPosition(12))
    writer.close()
    assert whole_store.positions_with_pictures(tmp_path) == [whole_store.at_epochs(*range(13))]
    [pruned] = prune(store, RULE)
    assert (pruned.left, whole_store.positions_with_pictures(tmp_path)) == (
        "",
        [whole_store.at_epochs(0, 10, 12)],
    )


def test_without_locks_a_run_that_seems_alive_needs_force(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "_HAS_LOCKS", False)
    write(tmp_path)  # its newest record is of this moment, and no end was written
    store = store_directory(tmp_path)
    [pruned] = prune(store, RULE)
    assert "no locks" in pruned.left
    assert "--force" in pruned.left
    assert whole_store.positions_with_pictures(tmp_path) == [whole_store.at_epochs(*range(12))]
    [pruned] = prune(store, RULE, force=True)
    assert pruned.left == ""
    assert whole_store.positions_with_pictures(tmp_path) == [whole_store.at_epochs(0, 10, 11)]
    # Nor is it known whether a process is working on a draft.
    (store / f".000002-{'0' * 16}.pack").write_bytes(b"draft")
    [draft] = leftovers(store)
    assert not clear(draft)
    assert clear(draft, force=True)
    assert leftovers(store) == []


def test_two_simultaneous_prunes_rewrite_once(tmp_path):
    write(tmp_path, 40)
    store = store_directory(tmp_path)
    errors = []

    def work():
        try:
            for leftover in leftovers(store):
                clear(leftover)
            list(prune(store, RULE))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert whole_store.positions_with_pictures(tmp_path) == [
        whole_store.at_epochs(0, 10, 20, 30, 39)
    ]
    assert len(whole_store.files(tmp_path)) == 2


def test_files_in_use_by_another_process_are_left_alone(tmp_path):
    write(tmp_path)
    store = store_directory(tmp_path)
    pack, _ = whole_store.pair(tmp_path)
    with exclusive(pack):
        [pruned] = prune(store, RULE)
        assert "skipped" in pruned.left
    draft = store / f".000001-{'1' * 16}.pack"
    draft.write_bytes(b"draft")
    with draft.open("rb") as file:
        assert locks.hold(file.fileno())
        [leftover] = leftovers(store)
        assert not clear(leftover)
    assert clear(leftover)
    assert not draft.exists()


def test_a_draft_that_is_deleted_as_a_leftover_before_it_is_locked_is_recreated(
    tmp_path, monkeypatch
):
    write(tmp_path)
    store = store_directory(tmp_path)

    def late(descriptor):
        if unlocked := leftovers(store):
            monkeypatch.undo()
            assert all(clear(one) for one in unlocked)
        return locks.hold(descriptor)

    monkeypatch.setattr(draft, "hold", late)
    [pruned] = prune(store, RULE)
    assert pruned.rewritten
    assert draft.hold is locks.hold
    assert len(whole_store.files(tmp_path)) == 2


def test_a_draft_that_cannot_be_locked_is_not_worked_on(tmp_path, monkeypatch):
    write(tmp_path)
    before = whole_store.files(tmp_path)
    monkeypatch.setattr(draft, "hold", lambda _: False)
    with pytest.raises(StoreError, match="locked or deleted by another process"):
        list(prune(store_directory(tmp_path), RULE))
    assert whole_store.files(tmp_path) == before
    answers = iter([False, True])
    monkeypatch.setattr(draft, "hold", lambda _: next(answers))
    [pruned] = prune(store_directory(tmp_path), RULE)
    assert pruned.rewritten


def test_a_draft_that_is_deleted_whenever_it_is_made_is_given_up(tmp_path, monkeypatch):
    write(tmp_path)
    store, before = store_directory(tmp_path), whole_store.files(tmp_path)

    def late(descriptor):
        assert all(clear(one) for one in leftovers(store))
        return locks.hold(descriptor)

    monkeypatch.setattr(draft, "hold", late)
    with pytest.raises(StoreError, match="locked or deleted by another process"):
        list(prune(store, RULE))
    assert whole_store.files(tmp_path) == before


def test_a_draft_that_has_become_a_pack_since_it_was_listed_keeps_its_index(tmp_path):
    write(tmp_path)
    store = store_directory(tmp_path)
    pack, index = whole_store.pair(tmp_path)
    named = pack.rename(pack.with_name(f".{pack.name}"))
    [leftover] = leftovers(store)
    assert index in leftover.files
    named.rename(pack)
    assert clear(leftover)
    assert whole_store.pair(tmp_path) == (pack, index)
    assert index.exists()


def test_a_replaced_pack_stays_while_its_successor_is_damaged(tmp_path):
    write(tmp_path)
    store = store_directory(tmp_path)
    pack, _ = whole_store.pair(tmp_path)
    old = pack.read_bytes()
    list(prune(store, RULE))
    new, _ = whole_store.pair(tmp_path)
    pack.write_bytes(old)
    good = new.read_bytes()
    new.write_bytes(good[:-10])
    [leftover] = leftovers(store)
    assert (leftover.owner, leftover.successor) == (pack, new)
    assert not clear(leftover)
    new.write_bytes(good)
    assert clear(leftover)
    assert not pack.exists()
