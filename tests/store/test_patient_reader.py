"""A reader with patience sees a position that is being written whole, or not yet."""

from __future__ import annotations

import os
import time

from damaged_store import epochs

from tbviz.store import Reader
from tbviz.store import pack_scanner as pack_module


def test_a_patient_reader_waits_for_the_lines_of_a_position(torn):
    lines = torn.index.splitlines(keepends=True)
    torn.put(index=b"".join(lines[:-1]))
    assert epochs(torn.open()) == [0, 1, 2, 3]
    patient = Reader(torn.pack_path.parent, patience=3600)
    patient.refresh()
    assert epochs(patient) == [0, 1, 2]
    torn.index_path.write_bytes(torn.index)
    assert patient.refresh()
    assert epochs(patient) == [0, 1, 2, 3]
    # A writer that was killed writes no line any more.
    torn.put(index=b"".join(lines[:-1]))
    patient = Reader(torn.pack_path.parent, patience=3600)
    os.utime(torn.pack_path, (0, time.time() - 3601))
    patient.refresh()
    assert epochs(patient) == [0, 1, 2, 3]


def test_a_patient_reader_takes_no_lines_while_some_are_being_written(torn):
    """Another process sees one write page by page: the position's other lines may be missing."""
    torn.put(index=torn.index[:-10])
    patient = Reader(torn.pack_path.parent, patience=3600)
    patient.refresh()
    assert epochs(patient) == []
    torn.index_path.write_bytes(torn.index)
    assert patient.refresh()
    assert epochs(patient) == [0, 1, 2, 3]


def test_a_patient_reader_takes_all_lines_that_came_since_it_opened_the_pack(torn, monkeypatch):
    torn.put(torn.pack[: torn.begins[-2] + 10], index=False)
    real = pack_module.open_file

    def late(path):
        if path == torn.index_path:
            torn.put()
        return real(path)

    monkeypatch.setattr(pack_module, "open_file", late)
    patient = Reader(torn.pack_path.parent, patience=3600)
    patient.refresh()
    assert epochs(patient) == [0, 1, 2, 3]
    assert patient.segments[0].damaged == 0
    with torn.pack_path.open("ab") as end:
        end.write(b"no record")
    monkeypatch.undo()
    os.utime(torn.pack_path, (0, time.time() - 3601))
    assert patient.refresh()
    assert patient.segments[0].damaged == 1


def test_a_patient_reader_waits_for_an_index_once(torn, monkeypatch):
    """The first position is in the pack before there is an index; some never have one."""
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    torn.put(torn.pack[: torn.begins[-2]], index=False)
    patient = Reader(torn.pack_path.parent, patience=3600)
    patient.refresh()
    assert epochs(patient) == []
    now += 3600
    assert patient.refresh()
    assert epochs(patient) == [0, 1, 2]
    with torn.pack_path.open("ab") as pack:
        pack.write(torn.pack[torn.begins[-2] :])
    assert patient.refresh()
    assert epochs(patient) == [0, 1, 2, 3]
    # What goes on with an index is waited for again.
    torn.put(index=b"".join(torn.index.splitlines(keepends=True)[:-1]))
    patient = Reader(torn.pack_path.parent, patience=3600)
    patient.refresh()
    assert epochs(patient) == [0, 1, 2]
