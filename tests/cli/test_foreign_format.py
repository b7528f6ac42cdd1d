"""What the commands say of runs of another format, and of those beside them."""

from __future__ import annotations

import errno
import json

import pytest
from foreign_stores import IDS, SAID, ForeignWriter, refused, write

from tbviz.store.control import Orders, read_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain import check


def contents(log_dir):
    return {path.name: path.read_bytes() for path in store_directory(log_dir).iterdir()}


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
def test_inspect_ends_with_4(tmp_path, tbviz, said, what):
    write(tmp_path, said)
    write(tmp_path)
    status, printed = tbviz("inspect", tmp_path)
    lines = printed.out.splitlines()
    assert (status, printed.err) == (4, "")
    assert f"  NOT READ  segment 1: {refused(what)}" in lines
    assert lines[-1] == "  everything else can be read"
    assert any(line.split()[:3] == ["1", "unreadable", "none"] for line in lines)
    assert any(line.split()[:5] == ["2", "finished", "0", "to", "1"] for line in lines)


@pytest.mark.parametrize("formats", [[9], [1, 9]])
def test_inspect_promises_nothing_else_if_all_is_refused(tmp_path, tbviz, formats):
    for number in formats:
        write(tmp_path, number)
    status, printed = tbviz("inspect", tmp_path)
    assert status == 4
    assert printed.out.count("NOT READ") == len(formats)
    assert "can be read" not in printed.out


@pytest.mark.parametrize("beside", [False, True])
def test_inspect_promises_nothing_else_if_no_segment_can_be_read(
    tmp_path, tbviz, monkeypatch, beside
):
    broken = write(tmp_path, 2).path
    if beside:
        write(tmp_path, 2)
    damage = check.damage

    def failing(reader, number, segment, **options):
        if segment.source.name == broken.name:
            raise OSError(errno.EIO, "input/output error")
        return damage(reader, number, segment, **options)

    monkeypatch.setattr(check, "damage", failing)
    status, printed = tbviz("inspect", tmp_path)
    assert status == 4
    assert f"{broken.name} could not be read: input/output error" in printed.out
    assert ("everything else can be read" in printed.out) == beside


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
def test_json_of_inspect_has_a_finding(tmp_path, tbviz, said, what):
    write(tmp_path / "old", said)
    write(tmp_path / "new")
    status, printed = tbviz("inspect", "--json", "--verify", tmp_path)
    new, old = json.loads(printed.out)["runs"]
    assert (status, new["damage"], new["positions"]) == (4, [], 2)
    assert old["damage"] == [
        {"what": "format", "segment": 1, "text": refused(what), "remedy": None, "command": False}
    ]
    assert (old["positions"], old["segments"][0]["status"]) == (0, "unreadable")


@pytest.mark.parametrize("dry_run", [[], ["--dry-run"]])
@pytest.mark.parametrize("command", [["repair"], ["prune", "--keep", "last=1"]])
def test_repair_and_prune_leave_it_and_go_on(tmp_path, tbviz, command, dry_run):
    foreign = write(tmp_path, 9, 5).path
    own = write(tmp_path, 2, 5).path
    own.with_suffix(".jsonl").unlink()
    before = contents(tmp_path)
    status, printed = tbviz(*command, *dry_run, tmp_path)
    assert (status, printed.err) == (0, "")
    assert f"tbviz: {tmp_path}: {foreign.name}: {refused('format 9')}" in printed.out.splitlines()
    assert "1 pack skipped" in printed.out
    after = contents(tmp_path)
    assert {name: after[name] for name in after if name.startswith(foreign.stem)} == {
        name: data for name, data in before.items() if name.startswith(foreign.stem)
    }
    assert (after == before) == bool(dry_run)


def test_prune_of_a_kind_that_is_not_read_says_why(tmp_path, tbviz):
    write(tmp_path, 9)
    status, printed = tbviz("prune", "--keep", "last=1", "--kinds", "cam", tmp_path)
    assert status != 0
    assert f"segment 1 was {refused('format 9')}" in printed.err


def test_control_does_not_order_what_trains_with_another_format(tmp_path, tbviz):
    writer = ForeignWriter(tmp_path / "a", 9)
    own = ForeignWriter(tmp_path / "b", 2)
    for one in (writer, own):
        one.append({"kind": "fit", "event": "begin", "epochs": 2})
        one.flush()
    try:
        status, printed = tbviz("control", tmp_path, "pause")
        assert status == 1
        assert f"segment 1 was {refused('format 9')}" in printed.err
        assert read_orders(store_directory(tmp_path / "a")) == Orders()
        assert read_orders(store_directory(tmp_path / "b")) == Orders(paused=True)
    finally:
        writer.close()
        own.close()


def test_control_for_a_later_training_says_it_too(tmp_path, tbviz):
    write(tmp_path, 9)
    status, printed = tbviz("control", tmp_path, "pause")
    assert (status, printed.err) == (0, "")
    assert f"tbviz: {tmp_path}: segment 1 was {refused('format 9')}" in printed.out.splitlines()
    assert read_orders(store_directory(tmp_path)) == Orders(paused=True)


def test_control_of_a_store_without_locks_refuses(bucket, tbviz):
    write(bucket, 9)
    status, printed = tbviz("control", bucket, "pause")
    assert (status, printed.out) == (1, "")
    assert f"segment 1 was {refused('format 9')}" in printed.err
