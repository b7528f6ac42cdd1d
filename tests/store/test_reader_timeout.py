"""A reader with a timeout sees a position that is being written completely, or not yet."""

from __future__ import annotations

import os
import time

from damaged_store import epochs

from tbviz.store.read import records
from tbviz.store.read.reader import Reader


def test_a_reader_with_a_timeout_waits_for_the_lines_of_a_position(damaged):
    lines = damaged.index.splitlines(keepends=True)
    damaged.put(index=b"".join(lines[:-1]))
    assert epochs(damaged.open()) == [0, 1, 2, 3]
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    reader.refresh()
    assert epochs(reader) == [0, 1, 2]
    damaged.index_path.write_bytes(damaged.index)
    assert reader.refresh()
    assert epochs(reader) == [0, 1, 2, 3]
    # A writer that was killed writes no line any more.
    damaged.put(index=b"".join(lines[:-1]))
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    os.utime(damaged.pack_path, (0, time.time() - 3601))
    reader.refresh()
    assert epochs(reader) == [0, 1, 2, 3]


def test_a_reader_with_a_timeout_reads_no_lines_while_some_are_being_written(damaged):
    """Another process sees one write page by page: the position's other lines may be missing."""
    damaged.put(index=damaged.index[:-10])
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    reader.refresh()
    assert epochs(reader) == []
    damaged.index_path.write_bytes(damaged.index)
    assert reader.refresh()
    assert epochs(reader) == [0, 1, 2, 3]


def test_a_reader_with_a_timeout_reads_all_lines_written_since_it_opened_the_pack(
    damaged, monkeypatch
):
    damaged.put(damaged.pack[: damaged.begins[-2] + 10], index=False)
    real = records.open_file

    def late(path):
        if path == damaged.index_path:
            damaged.put()
        return real(path)

    monkeypatch.setattr(records, "open_file", late)
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    reader.refresh()
    assert epochs(reader) == [0, 1, 2, 3]
    assert reader.segments[0].damaged == 0
    with damaged.pack_path.open("ab") as end:
        end.write(b"no record")
    monkeypatch.undo()
    os.utime(damaged.pack_path, (0, time.time() - 3601))
    assert reader.refresh()
    assert reader.segments[0].damaged == 1


def test_a_reader_with_a_timeout_waits_for_an_index_once(damaged, monkeypatch):
    """The first position is in the pack before there is an index; some never have one."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    damaged.put(damaged.pack[: damaged.begins[-2]], index=False)
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    reader.refresh()
    assert epochs(reader) == []
    now += 3601
    assert reader.refresh()
    assert epochs(reader) == [0, 1, 2]
    with damaged.pack_path.open("ab") as pack:
        pack.write(damaged.pack[damaged.begins[-2] :])
    assert reader.refresh()
    assert epochs(reader) == [0, 1, 2, 3]
    # What goes on with an index is waited for again.
    damaged.put(index=b"".join(damaged.index.splitlines(keepends=True)[:-1]))
    reader = Reader(damaged.pack_path.parent, timeout=3600)
    reader.refresh()
    assert epochs(reader) == [0, 1, 2]
