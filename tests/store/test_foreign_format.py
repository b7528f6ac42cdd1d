"""A segment of another format is listed and not read, in one sentence; the others are read."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import stores
from foreign_stores import IDS, MISSING, SAID, ForeignWriter, refused, write

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError
from tbviz.store.format.schema import FitPosition
from tbviz.store.maintain.leftovers import leftovers
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.maintain.summary import inspect
from tbviz.store.read import run_index
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.read.segment import SheetAddress

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1"
WRITTEN_BY = refused("format 1")


def read(log_dir):
    reader = Reader(store_directory(log_dir))
    reader.refresh()
    return reader


def contents(log_dir):
    return {path.name: path.read_bytes() for path in store_directory(log_dir).iterdir()}


def check_empty(segment):
    """Nothing of it was taken."""
    assert (len(segment), segment.damaged, segment.replaces, segment.by) == (0, 0, (), "")
    held = (segment.series, segment.layouts, segment.metrics, segment.predictions)
    assert all(not one for one in held)
    assert (segment.notices, segment.models, segment.probes, segment.begin) == ([], [], [], {})
    assert (segment.finish, len(segment.health), segment.costs.methods) == (None, 0, {})


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
def test_a_segment_of_another_format_is_not_read(tmp_path, said, what):
    write(tmp_path, said)
    reader = read(tmp_path)
    [segment] = reader.segments
    check_empty(segment)
    assert segment.refused == refused(what)
    assert reader.refused == [f"segment 1 was {refused(what)}"]
    assert segment.format == (said if type(said) is int and said < 1 << 53 else None)
    assert not reader.refresh()


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
def test_an_index_says_it_as_data(tmp_path, said, what):
    write(tmp_path, said)
    answer = run_index.run_index(read(tmp_path))
    [segment] = answer["segments"]
    assert (segment["segment"], segment["status"]) == (1, "unreadable")
    assert segment["refused"] == f"segment 1 was {refused(what)}"
    assert answer["positions"] == answer["series"] == answer["notices"] == []
    assert run_index.since(read(tmp_path), answer["cursor"]).keys() == {"cursor", "now"}


def test_the_golden_store_of_format_1_is_refused():
    [segment] = read(GOLDEN).segments
    check_empty(segment)
    assert (segment.format, segment.refused) == (1, WRITTEN_BY)
    with pytest.raises(StoreError) as error:
        open_reader(GOLDEN)
    expected = f"cannot read anything logged in {GOLDEN}; segment 1 was {WRITTEN_BY}"
    assert str(error.value) == expected


def test_the_format_that_is_written_is_read(tmp_path):
    write(tmp_path)
    run = open_reader(tmp_path)
    assert (run.segments[0].format, run.refused) == (2, [])
    assert run.picture("activations", "conv", 1) == b"1234"


def test_other_segments_are_read(tmp_path):
    write(tmp_path)
    foreign = write(tmp_path, 9, 3)
    write(tmp_path, epochs=1)
    run = open_reader(tmp_path)
    assert run.positions == [(1, FitPosition(0)), (1, FitPosition(1)), (3, FitPosition(0))]
    assert run.refused == [f"segment 2 was {refused('format 9')}"]
    check_empty(run.segments[1])
    assert [status["status"] for status in run_index.run_index(run)["segments"]] == [
        "finished", "unreadable", "finished",
    ]  # fmt: skip
    assert run.picture("activations", "conv", 2) == b"1234"
    with pytest.raises(StoreError, match="expected 0 to 2; segment 2 was written in format 9"):
        run.location(5)
    with pytest.raises(StoreError, match="expected one logged; segment 2 was written in format 9"):
        run.columns("cam", "conv")
    sheet = run.find("activations", "conv", 2)
    at_home = SheetAddress(foreign.uid, *sheet[1:])
    with pytest.raises(DamagedError, match="was written in format 9; this tbviz reads format 2"):
        run.read(at_home)
    assert run.sheets([at_home, sheet]) == [None, b"1234"]


def test_many_are_named_by_the_last_one(tmp_path):
    for said in (1, 9, 8):
        write(tmp_path, said)
    with pytest.raises(StoreError) as error:
        open_reader(tmp_path)
    assert str(error.value).endswith(f"segment 3 was {refused('format 8')} (and 2 more like it)")


@pytest.mark.parametrize("version", ["", None, 7, "x" * 41, "a\nb", "\x1b[31m", MISSING])
def test_a_version_that_is_none_is_not_named(tmp_path, version):
    write(tmp_path, 9, tbviz=version)
    [segment] = read(tmp_path).segments
    assert segment.refused.endswith("with the tbviz that wrote it")


def test_a_pack_without_its_index_is_refused(tmp_path):
    pack = write(tmp_path, 9).path
    pack.with_suffix(".jsonl").unlink()
    assert read(tmp_path).refused == [f"segment 1 was {refused('format 9')}"]


def test_a_pack_whose_header_is_torn_is_refused_by_its_index(tmp_path):
    pack = write(tmp_path, 9).path
    data = bytearray(pack.read_bytes())
    data[8] ^= 1
    pack.write_bytes(data)
    assert read(tmp_path).refused == [f"segment 1 was {refused('format 9')}"]


def test_without_a_writer_record_the_rest_is_read(tmp_path):
    pack = write(tmp_path, 9).path
    pack.with_suffix(".jsonl").unlink()
    data = bytearray(pack.read_bytes())
    data[8] ^= 1
    pack.write_bytes(data)
    run = open_reader(tmp_path)
    assert (len(run), run.refused, run.segments[0].format) == (2, [], None)
    assert run.segments[0].damaged == 1


@pytest.mark.parametrize("said", [b"9", b"null"])
def test_the_first_record_tells_the_format_and_a_later_one_is_damage(tmp_path, said):
    old = write(tmp_path)
    pack = write(tmp_path).path
    run = open_reader(tmp_path)
    before = len(run)
    meta = b'{"kind":"writer","time":5.0,"format":%b,"replaces":["%b"]}' % (said, old.uid.encode())
    pack.write_bytes(pack.read_bytes() + stores.record(meta))
    assert run.refresh()
    assert (len(run), run.refused) == (before, [])
    assert [segment.damaged for segment in run.segments] == [0, 1]


def test_a_rewritten_pack_is_refused_and_stands_for_nobody(tmp_path):
    old = write(tmp_path)
    write(tmp_path, 9, replaces=[old.uid], by="prune")
    run = open_reader(tmp_path)
    assert [bool(segment.refused) for segment in run.segments] == [False, True]
    assert len(run) == 2
    assert leftovers(store_directory(tmp_path)) == []


def test_parts_are_refused(bucket):
    write(bucket, 9)
    write(bucket, 2)
    run = open_reader(bucket)
    assert run.refused == [f"segment 1 was {refused('format 9')}"]
    assert [position for position, _ in run.positions] == [2, 2]
    found = inspect(run, verify=True)
    assert [(one["what"], one["segment"], one["text"]) for one in found["damage"]] == [
        ("format", 1, refused("format 9"))
    ]


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
@pytest.mark.parametrize("verify", [False, True])
def test_inspect_finds_the_format_alone(tmp_path, said, what, verify):
    pack = write(tmp_path, said).path
    pack.with_suffix(".jsonl").unlink()
    pack.write_bytes(pack.read_bytes()[:-3])
    found = inspect(read(tmp_path), verify=verify)
    [finding] = found["damage"]
    assert (finding["what"], finding["segment"]) == ("format", 1)
    assert finding["text"] == refused(what)
    [segment] = found["segments"]
    assert (segment["status"], segment["positions"]) == ("unreadable", 0)
    assert segment["bytes"] == pack.stat().st_size
    assert (found["bytes"], found["bytes_per_epoch"]) == (segment["bytes"], None)


def test_an_epoch_costs_what_those_that_are_read_cost(tmp_path):
    write(tmp_path, 9, 30)
    own = write(tmp_path, 2, 4).path
    size = own.stat().st_size + own.with_suffix(".jsonl").stat().st_size
    assert inspect(read(tmp_path))["bytes_per_epoch"] == size / 4


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
@pytest.mark.parametrize("torn", [False, True])
@pytest.mark.parametrize("by", ["prune", "repair"])
def test_prune_and_repair_leave_it(tmp_path, said, what, torn, by):
    foreign = write(tmp_path, said, 5).path
    own = write(tmp_path, 2, 5).path
    for pack in (foreign, own):
        pack.write_bytes(pack.read_bytes() + b"torn" * torn)
        if torn:
            pack.with_suffix(".jsonl").unlink()
    before = contents(tmp_path)
    store = store_directory(tmp_path)
    if by == "repair":
        first, second = repair(store)
        assert (first.action, first.why) == ("left", (refused(what),))
        assert second.action == ("rewrite" if torn else "none")
    else:
        first, second = prune(store, KeepRule(10, 0))
        assert (first.left, first.dropped) == (refused(what), 0)
        assert (second.pictures, second.dropped) == (5, 3)
    after = contents(tmp_path)
    untouched = {name: data for name, data in before.items() if name.startswith(foreign.stem)}
    assert {name: after[name] for name in untouched} == untouched
    assert (own.name in after) == (by == "repair" and not torn)


def test_a_new_writer_stands_beside_it(tmp_path):
    shutil.copytree(GOLDEN, tmp_path, dirs_exist_ok=True)
    before = contents(tmp_path)
    write(tmp_path, epochs=3)
    after = contents(tmp_path)
    assert {name: after[name] for name in before} == before
    run = open_reader(tmp_path)
    assert [segment.seq for segment in run.segments] == [1, 2]
    assert len(run) == 3
    assert run.refused == [f"segment 1 was {WRITTEN_BY}"]


def test_it_is_refused_as_it_comes_to_be(tmp_path):
    reader = read(tmp_path)
    writer = ForeignWriter(tmp_path, 9)
    writer.flush()
    assert reader.refresh()
    assert reader.refused == [f"segment 1 was {refused('format 9')}"]
    stores.append(writer, 0)
    writer.flush()
    assert not reader.refresh()
    assert len(reader) == 0
    writer.close()
