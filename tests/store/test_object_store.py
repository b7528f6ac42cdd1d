"""Stores in an object store: fsspec's memory file system stands for it."""

from __future__ import annotations

import shutil
import time

import fsspec
import pytest
import stores
from buckets import FailingPuts, delete, objects, put

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError
from tbviz.store.format.schema import FitPosition
from tbviz.store.read.folder import LocalFolder, folder_of
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.read.run_index import cursor, since
from tbviz.store.write.writer import Writer


def test_a_flush_is_one_object_in_the_documented_format(bucket):
    import struct
    import zlib

    writer = stores.write(bucket, 3)
    assert writer.path is None
    virtual = b""
    ends = [0]
    for name, data in objects(bucket).items():
        assert name == f"000001-{writer.uid}-{len(virtual):016x}.part"
        magic, before, length, crc = struct.unpack("<8sQII", data[-24:])
        assert magic == b"\x89tbp\r\n\x1a\n"
        assert before == ends[-1]
        assert crc == zlib.crc32(data[-24 - length : -4])
        records = data[: -24 - length]
        lines = data[-24 - length : -24].splitlines(keepends=True)
        for line, (begin, meta, _) in zip(lines, stores.parse(records), strict=True):
            offset = len(virtual) + begin + 24 + len(meta)
            assert (
                line == b'{"offset":%d,"check":%d,' % (offset, zlib.crc32(meta)) + meta[1:] + b"\n"
            )
        virtual += records
        ends.append(len(virtual))
    assert len(ends) == 4
    assert writer.size == len(virtual)
    assert len(stores.parse(virtual)) == 5


def test_written_records_are_read(bucket):
    writer = stores.write(bucket, 5)
    run = open_reader(bucket)
    (segment,) = run.segments
    assert run.positions == [(1, FitPosition(epoch)) for epoch in range(5)]
    assert (segment.damaged, segment.consumed, segment.uid) == (0, writer.size, writer.uid)
    for epoch in range(5):
        assert run.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]
    sheet = run.find("activations", "conv", 2, 1)
    for wrong in (
        sheet._replace(crc=sheet.crc ^ 1),
        sheet._replace(offset=sheet.offset + 1),
        sheet._replace(length=1 << 30),
        sheet._replace(offset=1 << 60),
    ):
        with pytest.raises(DamagedError):
            run.read(wrong)


def test_footers_longer_than_guessed_and_more_parts_than_are_read_at_once(bucket, monkeypatch):
    from tbviz.store.read import part_source

    monkeypatch.setattr(part_source, "_AT_ONCE", 3)
    monkeypatch.setattr(part_source, "_FIRST_GUESS", 100)
    monkeypatch.setattr(part_source, "_MIN_GUESS", 10)
    writer = Writer(bucket)
    for epoch in range(10):
        for layer in range(1 + epoch % 4):
            writer.append({"kind": "notice", "epoch": epoch, "text": "x" * 100 * layer})
        writer.flush()
    run = open_reader(bucket)
    assert len(run) == 10
    assert len(run.segments[0].notices) == 23
    assert run.segments[0].damaged == 0


def test_a_reader_follows_a_writer_and_a_cursor_returns_what_is_new(bucket):
    reader = Reader(store_directory(bucket))
    assert not reader.refresh()
    writer = Writer(bucket)
    for epoch in range(5):
        known = cursor(reader)
        stores.append(writer, epoch)
        assert not reader.refresh()
        writer.flush()
        assert reader.refresh()
        news = since(reader, known)
        assert news["positions"] == [[1, epoch, 1]]
        assert not news["reset"]
    writer.close()
    assert not reader.refresh()
    assert cursor(open_reader(bucket)) == cursor(reader)
    assert set(since(open_reader(bucket), cursor(reader))) == {"cursor", "now"}


def test_two_writers_at_once_are_two_segments_numbered_in_turn(bucket):
    put(bucket, "000041-" + "0" * 16 + ".pack", b"")
    put(bucket, "999999-foreign.part", b"")
    first, second = Writer(bucket), Writer(bucket)
    for epoch in range(3):
        for writer in (first, second):
            stores.append(writer, epoch)
            writer.flush()
    assert {name[:6] for name in objects(bucket)} == {"000041", "000042", "000043", "999999"}
    run = open_reader(bucket)
    assert [segment.uid for segment in run.segments] == [first.uid, second.uid]
    assert [number for number, _ in run.positions] == [1, 1, 1, 2, 2, 2]


@pytest.mark.parametrize("stored", [False, True])
def test_a_put_that_fails_costs_its_position_and_nothing_else(bucket, monkeypatch, stored):
    failing = FailingPuts(monkeypatch)
    writer = Writer(bucket)
    stores.append(writer, 0)
    writer.flush()
    before = objects(bucket)
    failing.how = "after" if stored else "before"
    for epoch in (1, 2):
        stores.append(writer, epoch)
        writer.append({"kind": "notice", "level": "info", "text": f"kept {epoch}"})
        with pytest.raises(StoreError, match="TimeoutTypeError: no answer; expected an object"):
            writer.flush()
        assert not writer.gone()
    failing.how = None
    stores.append(writer, 3)
    writer.close()
    assert before.items() <= objects(bucket).items()
    run = open_reader(bucket)
    # What was stored all the same is there all the same, and never written over.
    assert [p.epoch for _, p in run.positions] == ([0, 1, 2, 3] if stored else [0, 3])
    (segment,) = run.segments
    assert segment.damaged == 0
    assert {entry.meta["text"] for entry in segment.notices} == {"kept 1", "kept 2"}
    assert run.picture("activations", "conv", len(run) - 1, 1) == stores.sheets(3)[1]


def test_layouts_survive_a_failed_first_put(bucket, monkeypatch):
    failing = FailingPuts(monkeypatch)
    failing.how = "before"
    writer = Writer(bucket)
    stores.append(writer, 0)
    with pytest.raises(StoreError):
        writer.flush()
    failing.how = None
    stores.append(writer, 1)
    writer.close()
    run = open_reader(bucket)
    assert run.positions == [(1, FitPosition(1))]
    assert run.picture("activations", "conv", 0, 0) == stores.sheets(1)[0]
    assert run.segments[0].damaged == 0


def test_a_missing_part_is_damage_and_nothing_else_is_lost(bucket):
    stores.write(bucket, 5)
    reader = open_reader(bucket)
    known = cursor(reader)
    gone = list(objects(bucket))[2]
    delete(bucket, gone)
    with pytest.raises(DamagedError, match="could not be read"):
        reader.picture("activations", "conv", 2, 0)
    wanted = [reader.find("activations", "conv", epoch, 1) for epoch in range(5)]
    wanted += [wanted[0]._replace(writer="0" * 16), wanted[0]._replace(offset=1 << 60)]
    wanted += [wanted[0]._replace(length=-1), wanted[0]._replace(crc=1)]
    expected = [stores.sheets(epoch)[1] if epoch != 2 else None for epoch in range(5)]
    assert reader.sheets(wanted) == expected + [None] * 4
    assert reader.refresh()
    (segment,) = reader.segments
    assert segment.damaged == 1
    assert [p.epoch for _, p in reader.positions] == [0, 1, 3, 4]
    assert reader.picture("activations", "conv", 2, 0) == stores.sheets(3)[0]
    assert since(reader, known)["reset"]


def test_payloads_are_readable_while_scanning_even_after_a_gap(bucket):
    stores.write(bucket, 4)
    delete(bucket, list(objects(bucket))[1])
    folder = folder_of(store_directory(bucket))
    source = folder.source(folder.packs()[0], 0.0)
    payloads = [source.read(found.offset, found.meta["bytes"])
                for found in source.scan() if "bytes" in found.meta]  # fmt: skip
    assert payloads == [b"".join(stores.sheets(epoch)) for epoch in (0, 2, 3)]


def test_a_missing_part_that_may_be_on_its_way_is_waited_for(bucket, monkeypatch):
    stores.write(bucket, 4)
    late = list(objects(bucket))[1]
    data = objects(bucket)[late]
    delete(bucket, late)
    reader = Reader(folder_of(store_directory(bucket)), timeout=1.0)
    reader.refresh()
    assert len(reader) == 1
    put(bucket, late, data)
    reader.refresh()
    assert len(reader) == 4
    assert reader.segments[0].damaged == 0
    delete(bucket, late)
    reader.refresh()
    assert len(reader) == 1
    later = time.monotonic() + 60
    monkeypatch.setattr(time, "monotonic", lambda: later)
    reader.refresh()
    assert len(reader) == 3
    assert reader.segments[0].damaged == 1
    put(bucket, late, data)
    reader.refresh()
    assert len(reader) == 4


@pytest.mark.parametrize("location", ["magic", "length", "crc", "line", "cut", "record"])
def test_damage_within_a_part_takes_as_little_as_can_be(bucket, location):
    stores.write(bucket, 4)
    name, data = list(objects(bucket).items())[1]
    at = {"magic": -24, "length": -8, "crc": -1, "line": -60, "cut": -30, "record": 30}[location]
    broken = data[:at] if location == "cut" else data[:at] + bytes([data[at] ^ 1]) + data[at:][1:]
    put(bucket, name, broken)
    run = open_reader(bucket)
    (segment,) = run.segments
    # Records are found by hopping; an intact footer contains the metas of the records.
    assert [p.epoch for _, p in run.positions] == [0, 1, 2, 3]
    assert segment.damaged == (location != "record")
    for epoch in range(4):
        assert run.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]


def test_a_damaged_footer_behind_a_damaged_record(bucket):
    writer = Writer(bucket)
    stores.append(writer, 0)
    writer.flush()
    for epoch in (1, 2, 3):
        stores.append(writer, epoch)
    writer.flush()
    stores.append(writer, 4)
    writer.close()
    name, data = list(objects(bucket).items())[1]
    put(bucket, name, data[:30] + b"\0" + data[31:-1] + bytes([data[-1] ^ 1]))
    run = open_reader(bucket)
    assert [p.epoch for _, p in run.positions] == [0, 2, 3, 4]
    assert run.segments[0].damaged == 1


def test_foreign_and_hostile_objects_do_no_harm(bucket):
    from tbviz.store.format.part import encode_part
    from tbviz.store.format.record import Record

    writer = stores.write(bucket, 3)
    first = next(iter(objects(bucket).values()))
    far = f"000001-{writer.uid}-{1 << 40:016x}.part"
    put(bucket, "readme.txt", b"hello")
    put(bucket, "folder/000001-" + "a" * 16 + "-" + "0" * 16 + ".part", first)
    put(bucket, f"000009-{writer.uid}-{1 << 41:016x}.part", first)  # another number
    put(bucket, "000002-" + "b" * 16 + "-" + "0" * 16 + ".part", b"")
    put(bucket, "000003-" + "c" * 16 + "-" + "0" * 16 + ".part", b"\0" * 5000)
    put(bucket, "000004-" + "d" * 16 + "-" + "f" * 16 + ".part", first)
    put(bucket, far, first)  # its lines are of another place
    overlapping = Record.make({"kind": "notice", "epoch": 9, "text": "x"}, (), None)
    put(bucket, f"000001-{writer.uid}-{1:016x}.part", encode_part([overlapping], 1, 0))
    run = open_reader(bucket)
    assert [segment.seq for segment in run.segments] == [1, 3, 4]
    ours = run.segments[0]
    assert [ours.position(at).epoch for at in range(len(ours))] == [0, 1, 2]
    for epoch in range(3):
        assert run.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]
    assert [segment.damaged > 0 for segment in run.segments] == [True, True, True]
    assert not run.refresh()


def test_a_deleted_store_is_noticed_and_recreated(bucket):
    writer = Writer(bucket)
    assert not writer.gone()
    stores.append(writer, 0)
    writer.flush()
    assert not writer.gone()
    reader = open_reader(bucket)
    fsspec.filesystem("memory").rm(bucket, recursive=True)
    assert writer.gone()
    stores.append(writer, 1)
    with pytest.raises(StoreError, match="was deleted while"):
        writer.flush()
    stores.write(bucket, 2)
    reader.refresh()
    assert [segment.seq for segment in reader.segments] == [1]
    assert reader.segments[0].uid != writer.uid


def test_parts_that_were_copied_to_a_disk_are_read_there(bucket, tmp_path):
    stores.write(bucket, 3)
    directory = store_directory(tmp_path)
    directory.mkdir(parents=True)
    for name, data in objects(bucket).items():
        (directory / name).write_bytes(data)
    run = open_reader(tmp_path)
    assert len(run) == 3
    assert run.picture("activations", "conv", 1, 1) == stores.sheets(1)[1]
    assert cursor(run) == cursor(open_reader(bucket))
    stores.write(tmp_path, 2)  # a job that goes on there
    run.refresh()
    assert [segment.seq for segment in run.segments] == [1, 2]
    assert isinstance(run.folder, LocalFolder)
    shutil.rmtree(directory)
    with pytest.raises(DamagedError):
        run.picture("activations", "conv", 1, 1)
