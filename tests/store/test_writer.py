from __future__ import annotations

import json
import math
import os
import sys
import zlib
from pathlib import Path

import pytest
import stores
from children.starting import PIPE, run_program, started

from tbviz.store.disk.locations import store_directory
from tbviz.store.disk.locks import held
from tbviz.store.errors import StoreError
from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader
from tbviz.store.write import pack_writer
from tbviz.store.write.writer import Writer
from tbviz.version import __version__

ROOM = str(Path(stores.__file__).parent)


def test_files_are_made_by_the_first_flush_and_named_by_the_format(tmp_path):
    writer = Writer(tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
    assert writer.path is None
    writer.flush()
    names = sorted(path.name for path in store_directory(tmp_path / "logs").iterdir())
    assert names == [f"000001-{writer.uid}.jsonl", f"000001-{writer.uid}.pack"]
    assert len(bytes.fromhex(writer.uid)) == 8
    writer.close()


def test_every_byte_is_as_the_format_says(tmp_path):
    writer = Writer(tmp_path)
    writer.append({"kind": "metrics", "time": 12.5, "epoch": 0, "values": {"loss": math.nan}})
    writer.append(
        {"kind": "cam", "time": 13, "epoch": 0, "layer": "c", "layout": "0a", "media": "gray8"},
        [b"ab", b"cde"],
        [(0.0, 1 / 3, 0.5, 1e-9), (math.nan,) * 4],
    )
    writer.close()
    pack = writer.path.read_bytes()
    first, metrics, cam = stores.parse(pack)
    assert first[0] == 0
    head = json.loads(first[1])
    assert head.pop("time") > 1.7e9
    assert head == {"kind": "writer", "format": 2, "uid": writer.uid, "tbviz": __version__}
    assert metrics[1:] == (
        b'{"time":12.5,"kind":"metrics","epoch":0,"values":{"loss":"NaN"}}',
        b"",
    )
    expected = (
        '{"time":13,"kind":"cam","epoch":0,"layer":"c","layout":"0a","media":"gray8","bytes":5,'
        f'"sheets":[[2,{zlib.crc32(b"ab")},0.0,0.333333,0.5,1e-09],'
        f'[3,{zlib.crc32(b"cde")},"NaN","NaN","NaN","NaN"]]}}'
    )
    assert cam[1:] == (expected.encode(), b"abcde")
    assert pack[cam[0] :] == stores.record(expected.encode(), b"abcde")


def test_index_lines_are_metas_with_offset_and_check_in_front(tmp_path):
    writer = stores.write(tmp_path)
    pack = writer.path.read_bytes()
    lines = writer.path.with_suffix(".jsonl").read_bytes().splitlines(keepends=True)
    records = stores.parse(pack)
    assert len(lines) == len(records) == 6
    for line, (begin, meta, payload) in zip(lines, records, strict=True):
        offset = begin + 24 + len(meta)
        assert line == b'{"offset":%d,"check":%d,' % (offset, zlib.crc32(meta)) + meta[1:] + b"\n"
        assert pack[offset : offset + len(payload)] == payload
    assert writer.size == len(pack)


def test_numbers_go_on_from_the_highest(tmp_path):
    directory = store_directory(tmp_path)
    directory.mkdir(parents=True)
    (directory / ("000041-" + "0" * 16 + ".pack")).write_bytes(b"")
    (directory / "999999-foreign.pack").write_bytes(b"")
    first, second = stores.write(tmp_path, 1), stores.write(tmp_path, 1)
    assert first.path.name.startswith("000042-")
    assert second.path.name.startswith("000043-")
    assert first.uid != second.uid


def test_a_layout_is_written_once(tmp_path):
    writer = Writer(tmp_path)
    assert writer.layout(stores.LAYOUT) == writer.layout(dict(reversed(stores.LAYOUT.items())))
    assert writer.layout({**stores.LAYOUT, "tiles": 2}) != writer.layout(stores.LAYOUT)
    writer.close()
    kinds = [json.loads(meta)["kind"] for _, meta, _ in stores.parse(writer.path.read_bytes())]
    assert kinds == ["writer", "layout", "layout"]


@pytest.mark.parametrize(
    ("meta", "payload", "summaries", "message"),
    [
        ({"epoch": 1}, [], None, "kind None"),
        ({"kind": "cost", "epoch": 3.2}, [], None, "its `wall`"),
        ({"kind": "cost", "epoch": 3, "batch": -1}, [], None, "batch -1"),
        ({"kind": "cam", "media": "jpeg"}, [b"a"], None, "media 'jpeg'"),
        ({"kind": "cam", "media": "gray8"}, [b"a"], None, "no summaries"),
        ({"kind": "cam", "media": "gray8"}, [b"a", b"b"], [(0, 1, 0, 1)], "1 summaries"),
        ({"kind": "cam", "media": "rgb8"}, [b"a"], [(0, 1, 0, 1)], "expected none"),
        ({"kind": "cam"}, [], [(0, 1, 0, 1)], "expected sheets"),
        ({"kind": "notice", "text": "x" * (16 << 20)}, [], None, "at most 16777216"),
    ],
)
def test_records_that_the_format_does_not_allow_are_refused(
    tmp_path, meta, payload, summaries, message
):
    writer = Writer(tmp_path)
    with pytest.raises(StoreError, match=message):
        writer.append(meta, payload, summaries)
    writer.close()
    assert len(stores.parse(writer.path.read_bytes())) == 1


def test_close_twice_and_append_after(tmp_path):
    writer = stores.write(tmp_path)
    writer.close()
    with pytest.raises(StoreError, match=r"after close\(\)"):
        stores.append(writer, 9)


def test_a_forked_child_writes_nothing(tmp_path):
    script = f"""
import os, sys
sys.path.insert(0, {ROOM!r})
import stores
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer
writer = Writer({str(tmp_path)!r})
background = BackgroundWriter(writer)
background.submit(lambda w: stores.append(w, 0))
background.drain()
stores.append(writer, 1)
child = os.fork()
if child == 0:
    writer._lock.acquire()  # as a lock that another thread held at the fork: nobody frees it
    stores.append(writer, 7)
    writer.flush()
    background.submit(lambda w: stores.append(w, 8))
    background.close()
    writer.close()
    sys.exit(0)
os.waitpid(child, 0)
writer.close()
"""
    run_program([sys.executable, "-c", script], check=True)
    assert [position.epoch for _, position in open_reader(tmp_path).positions] == [0, 1]


def test_a_forked_child_does_not_hold_the_pack_of_a_killed_parent(tmp_path):
    script = f"""
import os, sys
sys.path.insert(0, {ROOM!r})
import stores
from tbviz.store.write.writer import Writer
writer = Writer({str(tmp_path)!r})
stores.append(writer, 0)
writer.flush()
files = writer._sink._pack, writer._sink._index
if os.fork() == 0:  # as a data loader's worker
    for descriptor in files:
        try:
            os.fstat(descriptor)
        except OSError:
            print("closed", flush=True)
        else:
            print("open", flush=True)
sys.stdin.read()
"""
    command = [sys.executable, "-c", script]
    with started(command, stdin=PIPE, stdout=PIPE) as parent:
        assert [parent.stdout.readline() for _ in range(2)] == [b"closed\n"] * 2
        [pack] = store_directory(tmp_path).glob("*.pack")
        while_it_lived = held(pack)
        parent.kill()
        parent.wait(60)
        # The child lives on: it waits for its input to end.
        assert (while_it_lived, held(pack)) in [(True, False), (None, None)]


def test_a_fork_while_files_are_closed_closes_nothing_else(tmp_path, monkeypatch):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    writer.flush()
    real, others = os.close, []

    def close(descriptor):
        real(descriptor)
        others.append(os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT))
        with monkeypatch.context() as child:
            child.setattr(os, "close", real)
            pack_writer._close_copies()

    with monkeypatch.context() as patched:
        patched.setattr(os, "close", close)
        writer.close()
    assert len(others) == 2
    for other in others:
        os.close(other)


def test_a_full_disk_costs_positions_and_nothing_else(tmp_path):
    # RLIMIT_FSIZE fails writes half-way, as a full disk does; the limit is lifted later.
    script = f"""
import resource, signal, sys
sys.path.insert(0, {ROOM!r})
import stores
from tbviz.store.errors import StoreError
from tbviz.store.write.writer import Writer
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
writer = Writer({str(tmp_path)!r})
stores.append(writer, 0)
writer.flush()
before = writer.path.read_bytes()
resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) + 50, resource.RLIM_INFINITY))
for epoch in (1, 2):
    stores.append(writer, epoch)
    writer.append({{"kind": "notice", "level": "info", "text": f"pending {{epoch}}"}})
    at = {{"epoch": epoch, "batch": 7, "final": True}}
    writer.append({{"kind": "notice", "level": "warning", "text": f"said at {{epoch}}", **at}})
    try:
        writer.flush()
    except StoreError as error:
        assert "free space" in str(error), error
    else:
        sys.exit("no error")
    assert writer.path.read_bytes() == before
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
stores.append(writer, 3)
writer.close()
"""
    run_program([sys.executable, "-c", script], check=True)
    run = open_reader(tmp_path)
    assert [position.epoch for _, position in run.positions] == [0, 3]
    (segment,) = run.segments
    assert segment.damaged == 0
    texts = [(entry.meta["text"], entry.position) for entry in segment.notices]
    assert texts == [(f"{how} {epoch}", None) for epoch in (1, 2) for how in ("pending", "said at")]
    assert run.picture("activations", "conv", 1, 1) == stores.sheets(3)[1]
    stores.parse(segment.source.path.read_bytes())


def test_layouts_survive_a_failed_first_flush(tmp_path):
    (tmp_path / "plugins").write_text("in the way")
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    with pytest.raises(StoreError, match=r"Not a directory|File exists"):
        writer.flush()
    (tmp_path / "plugins").unlink()
    stores.append(writer, 1)
    writer.close()
    run = open_reader(tmp_path)
    assert run.positions == [(1, FitPosition(1))]
    assert run.picture("activations", "conv", 0, 0) == stores.sheets(1)[0]


def test_an_index_that_cannot_be_written_costs_nothing(tmp_path, monkeypatch):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    monkeypatch.setattr("tbviz.store.write.pack_writer._create", _only_packs(monkeypatch))
    writer.flush()
    assert not list(store_directory(tmp_path).glob("*.jsonl"))
    assert len(open_reader(tmp_path)) == 1
    monkeypatch.undo()
    stores.append(writer, 1)
    writer.close()
    assert len(writer.path.with_suffix(".jsonl").read_bytes().splitlines()) == 4
    assert len(open_reader(tmp_path)) == 2


def _only_packs(monkeypatch):
    from tbviz.store.write import pack_writer

    create = pack_writer._create

    def only_packs(path):
        if path.suffix == ".jsonl":
            raise OSError(28, "No space left on device")
        return create(path)

    return only_packs


def test_a_pack_deleted_during_training_is_an_error(tmp_path):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    writer.flush()
    writer.path.unlink()
    stores.append(writer, 1)
    with pytest.raises(StoreError, match="was deleted while it was being written"):
        writer.flush()
    writer.close()


def test_without_sync_nothing_is_synced(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr("os.fdatasync", calls.append, raising=False)
    writer = Writer(tmp_path, sync=False)
    writer.close()
    assert calls == []
    writer = Writer(tmp_path)
    writer.close()
    assert len(calls) == 2


def test_a_file_system_that_cannot_sync_is_written_to(tmp_path, monkeypatch):
    def cannot(descriptor):
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr("os.fdatasync", cannot, raising=False)
    stores.write(tmp_path)
    assert len(open_reader(tmp_path)) == 4
