"""Several writers, a reader beside them, clocks that jump, directories that move."""

from __future__ import annotations

import shutil
import sys
import time

import killed_writer
import parallel_writers
import pytest
import stores
from children.starting import started

from tbviz.store.disk import locks
from tbviz.store.disk.locations import store_directory
from tbviz.store.format.schema import FitPosition
from tbviz.store.read import run_index
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer

WRITERS, EPOCHS = 4, 25


def test_a_reader_beside_four_writers(tmp_path, faults):
    command = [sys.executable, parallel_writers.__file__, str(tmp_path), str(WRITERS), str(EPOCHS)]
    reader = Reader(store_directory(tmp_path), timeout=60)
    seen = {}
    with started(command) as process:
        running = True
        while running:
            running = process.poll() is None  # one more refresh after all have ended
            reader.refresh()
            for segment in reader.segments:
                assert segment.damaged == 0
                before, seen[segment.uid] = seen.get(segment.uid, 0), len(segment)
                check(reader, segment, range(before, len(segment)))
                faults.tried += len(segment) - before
                faults.survived += len(segment) - before
    assert process.returncode == 0
    assert [len(segment) for segment in reader.segments] == [EPOCHS] * WRITERS
    names = [path.name for path in store_directory(tmp_path).glob("*.pack")]
    assert [f"{s.seq:06d}-{s.uid}.pack" for s in reader.segments] == sorted(names)


def check(reader, segment, ordinals) -> None:
    """Check that every visible position is complete and is what was written."""
    base = next(base for base, known in reader.based() if known is segment)
    for ordinal in ordinals:
        assert segment.position(ordinal) == FitPosition(ordinal)
        assert segment.metrics["loss"].span(ordinal, ordinal + 1) == [ordinal]
        for layer in killed_writer.LAYERS:
            wanted = killed_writer.sheets(ordinal, layer)[1]
            assert reader.picture("activations", layer, base + ordinal, 1) == wanted


class Clock:
    """A clock instead of the machine's, which a test sets back and forth."""

    def __init__(self, monkeypatch, now=1e9):
        self.now = now
        monkeypatch.setattr(time, "time", lambda: self.now)


@pytest.mark.parametrize("jump", [-86_400.0, -3e8, 3e8], ids=["a day back", "years back", "on"])
def test_a_clock_that_jumps(tmp_path, monkeypatch, jump, faults):
    clock = Clock(monkeypatch)
    monkeypatch.setattr(locks, "_HAS_LOCKS", False)  # so that the clock is asked
    with faults.trying():
        writer = Writer(tmp_path)
        writer.append({"kind": "fit", "event": "begin", "epochs": 20})
        for epoch in range(20):
            stores.append(writer, epoch)
            writer.flush()
            clock.now += 60 + (jump if epoch == 9 else 0)
        run = open_reader(tmp_path)
        assert [position.epoch for _, position in run.positions] == list(range(20))
        assert run.segments[0].last == clock.now - 60
        states = [run_index.status(run.segments[0], clock.now + later) for later in (0, 500, 1000)]
        assert states == ["live", "live", "lost"]
        writer.close()
        # A restarted job under a clock that is behind is the newer segment all the same.
        clock.now = 1e8
        stores.write(tmp_path, 2)
        run.refresh()
        assert [segment for segment, _ in run.positions] == [1] * 20 + [2] * 2
        stores.write(tmp_path, 1)
        run.refresh()
        assert run.positions[-1] == (3, FitPosition(0))


def test_a_copied_and_a_renamed_directory(tmp_path, faults):
    here, there = tmp_path / "here", tmp_path / "there"
    writer = Writer(here)
    for epoch in range(2):
        stores.append(writer, epoch)
        writer.flush()
    run = open_reader(here)
    cursor = run_index.cursor(run)
    with faults.trying():  # copied while it is written to
        shutil.copytree(here, there)
        copied = open_reader(there)
        assert copied.picture("activations", "conv", 1) == stores.sheets(1)[0]
        news = run_index.since(copied, cursor)  # at most that nobody writes the copy
        assert [news.get(name) or [] for name in ("positions", "series")] == [[], []]
    with faults.trying():  # the fit goes on, beside what the copy's next fit writes
        stores.append(writer, 2)
        writer.flush()
        stores.write(there, 1)
        run.refresh(), copied.refresh()
        assert (len(run), len(copied)) == (3, 3)
    with faults.trying():  # renamed under the reader, and under the writer
        here.rename(tmp_path / "moved")
        assert run.refresh()
        assert run.segments == []
        stores.append(writer, 3)
        writer.close()
        assert len(open_reader(tmp_path / "moved")) == 4
    with faults.trying():  # and back
        (tmp_path / "moved").rename(here)
        assert run.refresh()
        assert len(run) == 4
        assert run.picture("activations", "conv", 3) == stores.sheets(3)[0]
