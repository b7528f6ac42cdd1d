"""The end of a writer: whatever fails, it leaves no file open, and writes nothing afterwards."""

from __future__ import annotations

import errno
import gc
import os
import shutil
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest
import stores
from buckets import objects
from children.starting import run_program
from failing import FailingCalls, contents, held_open

from tbviz.store.disk.locations import store_directory
from tbviz.store.disk.locks import hold
from tbviz.store.errors import StoreError
from tbviz.store.format.schema import MAGIC
from tbviz.store.read.reader import open_reader
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

ROOM = str(Path(stores.__file__).parent)
POSITIONS = 3
needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs /proc")


def session(log_dir):
    """Run a writer from beginning to end; return it and the positions that it reported as stored.

    It continues after each failure, as a training does.
    """
    writer, stored = Writer(log_dir), set()
    for epoch in range(POSITIONS):
        stores.append(writer, epoch)
        try:
            writer.flush()
        except StoreError:
            continue
        stored.add(epoch)
    with suppress(StoreError):
        writer.close()
    return writer, stored


def in_background(log_dir):
    """Do the same on a writer's thread."""
    writer, reported, stored = Writer(log_dir), [], set()
    background = BackgroundWriter(writer, reported.append)
    for epoch in range(POSITIONS):
        before = len(reported)
        background.submit(lambda one, epoch=epoch: stores.append(one, epoch))
        background.drain()
        if len(reported) == before:
            stored.add(epoch)
    background.close()
    assert all(isinstance(error, StoreError) for error in reported), reported
    return writer, stored


def check(log_dir, writer, stored, before):
    """Check what must hold after every end."""
    assert held_open() == before
    files = contents(log_dir)
    packs = [name for name in files if name.endswith(".pack")]
    assert len(packs) <= 1
    assert len(files) <= 2
    for name in packs:
        assert files[name].startswith(MAGIC)
        with (log_dir / name).open("rb") as file:
            assert hold(file.fileno()) is not False
    run = open_reader(log_dir)
    seen = {position.epoch: at for at, (_, position) in enumerate(run.positions)}
    assert stored <= seen.keys()
    for epoch, at in seen.items():
        for image, sheet in enumerate(stores.sheets(epoch)):
            assert run.picture("activations", "conv", at, image) == sheet
    assert sum(segment.damaged for segment in run.segments) == 0
    # And now it is over.
    writer.flush()
    writer.close()
    assert contents(log_dir) == files


def count(run, log_dir, monkeypatch):
    with FailingCalls()(monkeypatch) as calls:
        run(log_dir)
    return len(calls.made)


@needs_proc
@pytest.mark.parametrize("run", [session, in_background])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_any_call_that_fails_costs_a_position_and_nothing_else(
    run, code, tmp_path, monkeypatch, faults
):
    calls = count(run, tmp_path / "whole", monkeypatch)
    assert calls > 4 * POSITIONS
    for number in range(calls):
        log_dir = tmp_path / str(number)
        before = held_open()
        with FailingCalls(number, number, code)(monkeypatch):
            writer, stored = run(log_dir)
        with faults.trying():
            assert len(stored) >= POSITIONS - 1
            check(log_dir, writer, stored, before)


@needs_proc
@pytest.mark.parametrize("run", [session, in_background])
@pytest.mark.parametrize(
    "names",
    [("write",), ("fdatasync",), ("write", "fdatasync", "fsync"), ("open",), ("close",),
     ("fstat",), ("write", "open", "mkdir", "close")],
    ids="+".join,
)  # fmt: skip
def test_a_disk_that_fails_from_some_call_on(run, names, tmp_path, monkeypatch, faults):
    with FailingCalls(names=names)(monkeypatch) as calls:
        run(tmp_path / "whole")
    for number in range(len(calls.made)):
        log_dir = tmp_path / str(number)
        log_dir.mkdir()
        before = held_open()
        with FailingCalls(number, 10_000, errno.ENOSPC, names)(monkeypatch):
            writer, stored = run(log_dir)
        with faults.trying():
            check(log_dir, writer, stored, before)


@needs_proc
@pytest.mark.parametrize("recreated", [False, True], ids=["gone", "recreated"])
@pytest.mark.parametrize("after", range(POSITIONS + 1))
@pytest.mark.parametrize("index", [False, True], ids=["no index yet", "index"])
def test_a_store_that_is_deleted_stays_so(after, recreated, index, tmp_path, monkeypatch):
    before = held_open()
    writer = Writer(tmp_path)
    reported = []
    background = BackgroundWriter(writer, reported.append)
    store = store_directory(tmp_path)
    with monkeypatch.context() as patched:
        if not index:
            patched.setattr("tbviz.store.write.pack_writer._create", _packs_alone())
        for epoch in range(POSITIONS):
            if epoch == after > 0:
                shutil.rmtree(tmp_path / "plugins")
            background.submit(lambda one, epoch=epoch: stores.append(one, epoch))
            background.drain()
    if after == POSITIONS:
        shutil.rmtree(tmp_path / "plugins")
    if recreated:
        store.mkdir(parents=True, exist_ok=True)
    background.submit(lambda one: stores.append(one, POSITIONS))
    background.drain()
    background.push(lambda one: None)  # nothing new, but lines that the index lacks
    background.close()
    assert held_open() == before
    if after:
        assert contents(tmp_path) == {}
        assert writer.gone()
        assert all("was deleted while" in str(error) for error in reported)
        assert reported
    else:
        assert len(open_reader(tmp_path)) == POSITIONS + 1
        assert reported == []


def _packs_alone():
    from tbviz.store.write import pack_writer

    create = pack_writer._create

    def packs_alone(path):
        if path.suffix == ".jsonl":
            raise OSError(errno.ENOSPC, "No space left on device")
        return create(path)

    return packs_alone


def test_a_store_that_a_copy_has_replaced_is_gone(tmp_path):
    writer = Writer(tmp_path / "logs")
    stores.append(writer, 0)
    writer.flush()
    shutil.copytree(tmp_path / "logs", tmp_path / "copy")
    shutil.rmtree(tmp_path / "logs")
    (tmp_path / "copy").rename(tmp_path / "logs")
    stores.append(writer, 1)
    with pytest.raises(StoreError, match="was deleted while"):
        writer.flush()
    assert writer.path.exists()
    assert writer.gone()  # else nothing would ever be written again
    writer.close()
    assert len(open_reader(tmp_path / "logs")) == 1


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO, errno.ESTALE])
def test_a_store_that_cannot_be_read_is_not_gone(code, tmp_path, monkeypatch):
    writer = stores.write(tmp_path, 1)

    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patched:
        patched.setattr(os, "stat", fail)
        assert not writer.gone()


# A pack may grow to this many bytes more than two positions take. The limit is the process' own,
# and holds to its end, as a full disk's does.
FULL = f"""
import os, resource, sys
sys.path.insert(0, {ROOM!r})
import stores
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer
writer, reported = Writer(sys.argv[1]), []
background = BackgroundWriter(writer, reported.append)
for epoch in range(5):
    if epoch == 2:
        background.drain()
        size = os.path.getsize(writer.path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 50, resource.RLIM_INFINITY))
    background.submit(lambda one, epoch=epoch: stores.append(one, epoch))
background.push(lambda one: one.append({{"kind": "fit", "event": "end", "status": "finished"}}))
background.close()
assert len(reported) == 5, reported
assert all("File too large" in str(error) for error in reported), reported
left = [os.readlink(f"/proc/self/fd/{{fd}}") for fd in os.listdir("/proc/self/fd")
        if os.path.exists(f"/proc/self/fd/{{fd}}")]
assert not [path for path in left if path.startswith(sys.argv[1])], left
"""


@needs_proc
def test_a_file_that_may_not_grow_until_the_end_of_a_fit(tmp_path):
    run_program([sys.executable, "-c", FULL, str(tmp_path)])
    pack, index = sorted(store_directory(tmp_path).iterdir(), key=lambda path: path.suffix)[::-1]
    assert (pack.suffix, index.suffix) == (".pack", ".jsonl")
    stores.parse(pack.read_bytes())
    run = open_reader(tmp_path)
    assert [position.epoch for _, position in run.positions] == [0, 1]
    assert [segment.damaged for segment in run.segments] == [0]


def test_a_pack_without_a_record_is_not_left(tmp_path, monkeypatch):
    with FailingCalls(0, 10_000, errno.ENOSPC, ("write",))(monkeypatch):
        writer = Writer(tmp_path)
        stores.append(writer, 0)
        with pytest.raises(StoreError):
            writer.flush()
        assert len(contents(tmp_path)) == 1
        with pytest.raises(StoreError):
            writer.close()
    assert contents(tmp_path) == {}


def test_a_failing_close_raises_once_and_is_final(tmp_path, monkeypatch):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    with (
        FailingCalls(0, 10_000, errno.EDQUOT, ("close",))(monkeypatch),
        pytest.raises(StoreError, match="could not close what was written"),
    ):
        writer.close()
    writer.close()
    assert len(open_reader(tmp_path)) == 1


@needs_proc
def test_a_writer_that_nobody_closes_releases_its_files_with_its_memory(tmp_path):
    before = held_open()
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    writer.flush()
    stores.append(writer, 1)
    assert held_open() != before
    files = contents(tmp_path)
    del writer
    gc.collect()
    assert held_open() == before
    assert contents(tmp_path) == files


def test_a_flush_that_waits_while_the_writer_is_closed_writes_nothing(tmp_path):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    writer.flush()
    with writer._lock:
        late = threading.Thread(target=writer.flush)
        late.start()
        writer.close()
        files = contents(tmp_path)
    late.join(60)
    assert contents(tmp_path) == files


def test_an_object_store_gets_nothing_after_the_end(bucket, monkeypatch):
    from tbviz.store.disk.object_store import ObjectStore

    writer, reported = Writer(bucket), []
    background = BackgroundWriter(writer, reported.append)
    background.submit(lambda one: stores.append(one, 0))
    background.drain()
    before, put = objects(bucket), []

    def full(store, name, data):
        put.append(name)
        raise OSError(errno.ENOSPC, "no room")

    with monkeypatch.context() as patched:
        patched.setattr(ObjectStore, "put", full)
        # What belongs to no position is kept where a put fails: it would be put once more.
        stores.append(writer, 1)
        writer.append({"kind": "notice", "level": "info", "text": "pending"})
        background.close()
        assert len(put) == 1
    assert [type(error) for error in reported] == [StoreError]
    writer.flush()
    writer.close()
    with pytest.raises(OSError, match="closed"):
        writer._sink.write([])
    assert objects(bucket) == before
    assert [position.epoch for _, position in open_reader(bucket).positions] == [0]


def test_remains_that_could_not_be_cut_off_at_once_are_cut_off_at_the_end(tmp_path, monkeypatch):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    writer.flush()
    size = writer.path.stat().st_size
    stores.append(writer, 1)
    with (
        FailingCalls(0, 10_000, errno.ENOSPC, ("write", "ftruncate"))(monkeypatch),
        pytest.raises(StoreError),
    ):
        writer.flush()
    assert writer.path.stat().st_size > size
    writer.close()
    assert writer.path.stat().st_size == size
    stores.parse(writer.path.read_bytes())
