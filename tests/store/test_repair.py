"""Repair preserves every record that can be read, and does not touch an intact store."""

from __future__ import annotations

import json
import os
import shutil
import zlib
from pathlib import Path

import pytest
import stores
import whole_store

from tbviz.store.disk.locations import store_directory
from tbviz.store.maintain.repair import repair
from tbviz.store.maintain.scan import complaints, scan_pack
from tbviz.store.read.reader import open_reader

GOLDEN = Path(__file__).parents[1] / "golden" / "format-2"


@pytest.fixture
def quick(monkeypatch):
    """Make syncing a no-op: there is no power failure here."""
    for name in ("fsync", "fdatasync"):
        monkeypatch.setattr(os, name, lambda descriptor: None, raising=False)


class Store:
    """Four positions; what a test does to the files is undone by `put`."""

    def __init__(self, log_dir):
        self.log_dir = log_dir
        self.directory = store_directory(log_dir)
        stores.write(log_dir)
        self.pack_path, self.index_path = whole_store.pair(log_dir)
        self.pack, self.index = self.pack_path.read_bytes(), self.index_path.read_bytes()
        self.records = stores.parse(self.pack)  # writer, layout, one a position
        self.begins = [begin for begin, _, _ in self.records] + [len(self.pack)]
        self.view = whole_store.view(log_dir)

    def put(self, pack=None, index=None):
        shutil.rmtree(self.directory)
        self.directory.mkdir()
        self.pack_path.write_bytes(self.pack if pack is None else pack)
        if index is not False:
            self.index_path.write_bytes(self.index if index is None else index)

    def repair(self):
        [treated] = repair(self.directory)
        return treated

    def check(self):
        """Check that the store is intact, and return the metas of its pack."""
        pack, _ = whole_store.pair(self.log_dir)
        found = scan_pack(pack)
        assert complaints(found) == []
        assert [treated.action for treated in repair(self.directory)] == ["none"]
        return [meta for _, meta, _ in stores.parse(pack.read_bytes())]


@pytest.fixture
def store(tmp_path):
    return Store(tmp_path)


def test_an_intact_store_is_not_touched(store):
    before = store.pack_path.stat()
    assert store.repair() == (store.pack_path.name, "none", (), None)
    after = store.pack_path.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_every_truncation_of_the_last_record(store, quick):
    for size in range(store.begins[-2] + 1, len(store.pack)):
        store.put(store.pack[:size], store.index)
        treated = store.repair()
        assert treated.action == "rewrite"
        torn = size - store.begins[-2]
        assert treated.why[0] == f"{torn} byte{'s' * (torn > 1)} of an incomplete record at the end"
        assert treated.why[1] == "1 record in the index that the pack does not have"
        assert whole_store.epochs(store.log_dir) == [0, 1, 2]
    assert whole_store.view(store.log_dir) == {
        k: v for k, v in store.view.items() if k[1].epoch < 3
    }
    store.check()


def test_the_new_writer_record_names_the_replaced_writer_and_the_command(store):
    store.put(store.pack + b"torn")
    store.repair()
    pack, _ = whole_store.pair(store.log_dir)
    first, *others = store.check()
    old, new = json.loads(store.records[0][1]), json.loads(first)
    assert new == {
        **old,
        "uid": pack.stem[7:],
        "replaces": [store.pack_path.stem[7:]],
        "by": "repair",
    }
    assert new["uid"] != old["uid"]
    assert others == [meta for _, meta, _ in store.records[1:]]
    assert pack.name[:7] == store.pack_path.name[:7] == "000001-"


@pytest.mark.parametrize(
    ("spoil", "text"),
    [
        (lambda lines: False, "the index is missing"),
        (lambda lines: b"", "6 records missing in the index"),
        (lambda lines: b"".join(lines[:4]), "2 records missing in the index"),
        (lambda lines: b"".join(lines[1:]), "1 record missing in the index"),
        (
            lambda lines: b"".join([*lines, b"half a li"]),
            "1 line of the index that cannot be interpreted",
        ),
        (
            lambda lines: b"".join([*lines, lines[-1]]),
            "1 line of the index that cannot be interpreted",
        ),
    ],
)
def test_an_index_is_rewritten_from_the_pack_alone(store, spoil, text):
    store.put(index=spoil(store.index.splitlines(keepends=True)))
    assert store.repair() == (store.pack_path.name, "index", (text,), None)
    assert store.index_path.read_bytes() == store.index
    assert store.pack_path.read_bytes() == store.pack
    store.check()


def test_the_index_of_another_pack_is_not_believed(store, tmp_path):
    # The same records at the same offsets: only what was drawn is another.
    other = Store(tmp_path / "other")
    store.put(index=other.index)
    treated = store.repair()
    assert (treated.action, treated.why) == ("index", ("the index belongs to another pack",))
    assert store.index_path.read_bytes() == store.index
    assert whole_store.view(tmp_path) == store.view


@pytest.mark.parametrize("index", [None, False])
def test_a_bit_flip_anywhere_in_a_record_costs_at_most_what_it_hit(store, quick, index):
    begin, meta, _ = store.records[3]  # of epoch 1
    header, payload = begin + 24, begin + 24 + len(meta)
    offsets = [*range(begin, header), *range(header, payload, 5), *range(payload, store.begins[4])]
    for at in offsets:
        flipped = bytearray(store.pack)
        flipped[at] ^= 1 << (at % 8)
        store.put(bytes(flipped), index)
        readable = whole_store.view(store.log_dir)
        treated = store.repair()
        view = whole_store.view(store.log_dir)
        assert view == readable, at - begin
        if at >= payload:
            # A sheet is damaged for good; the pack's structure is not, and stays as it is.
            assert treated.action == ("none" if index is None else "index")
            assert len(view) == 7
            continue
        if index is None:
            assert view == store.view  # the index knew the record
        seen = whole_store.epochs(store.log_dir)
        assert seen in ([0, 1, 2, 3], [0, 2, 3])
        whole_store.pair(store.log_dir)[1].unlink()
        assert whole_store.view(store.log_dir) == view  # now the pack itself has it


def test_a_record_known_only_to_the_index_is_found_after_an_unknown_one(store):
    # The headers of epochs 2 and 3, which are the last, are gone, and the line of epoch 2.
    flipped = bytearray(store.pack)
    for begin in store.begins[4:6]:
        flipped[begin] ^= 1
    lines = store.index.splitlines(keepends=True)
    store.put(bytes(flipped), b"".join(lines[:4] + lines[5:]))
    treated = store.repair()
    assert treated.why == ("1 unreadable range inside the pack",)
    assert whole_store.view(store.log_dir) == {
        k: v for k, v in store.view.items() if k[1].epoch != 2
    }
    store.check()


def test_a_damaged_sheet_beside_a_torn_tail_is_preserved_and_named(store):
    flipped = bytearray(store.pack + store.pack[store.begins[-2] : -3])
    flipped[store.begins[4] - 1] ^= 1  # the last byte of epoch 1's second sheet
    store.put(bytes(flipped))
    treated = store.repair()
    assert treated.rewritten.lost == ("activations of conv, epoch 1, sheet 1",)
    assert treated.rewritten.records == 6
    assert whole_store.epochs(store.log_dir) == [0, 1, 2, 3]
    missing = set(store.view) - set(whole_store.view(store.log_dir))
    assert missing == {(1, whole_store.FitPosition(1), "activations", "conv", 1)}


def test_the_last_four_kilobytes_zeroed(tmp_path):
    log_dir = tmp_path / "logs"
    stores.write(log_dir, 40)
    pack, _ = whole_store.pair(log_dir)
    data = pack.read_bytes()
    ends = [begin for begin, _, _ in stores.parse(data)][1:]
    pack.write_bytes(data[:-4096] + bytes(4096))
    before = sum(end <= len(data) - 4096 for end in ends) - 2  # writer and layout
    [treated] = repair(pack.parent)
    # Their metas are in the index: the positions stay, their pictures are damaged for good.
    assert treated.action == "rewrite"
    assert whole_store.epochs(log_dir) == list(range(40))
    assert treated.rewritten.lost_sheets >= 2 * (40 - before) - 2
    assert len(whole_store.view(log_dir)) == 80 - treated.rewritten.lost_sheets
    assert {key[1].epoch for key in whole_store.view(log_dir)} >= set(range(before))


def test_packs_without_a_record_and_newer_packs_are_left_alone(tmp_path):
    store = store_directory(tmp_path)
    store.mkdir(parents=True)
    garbage = store / f"000001-{'a' * 16}.pack"
    garbage.write_bytes(os.urandom(1000))
    newer = store / f"000002-{'b' * 16}.pack"
    meta = b'{"kind":"writer","time":1.0,"format":9,"uid":"%b"}' % (b"b" * 16)
    newer.write_bytes(stores.record(meta) + b"torn")
    (store / f"000003-{'c' * 16}.pack").touch()
    files = {path.name: path.read_bytes() for path in store.iterdir()}
    first, second = repair(store)
    assert (first.action, second.action) == ("left", "left")
    assert "no record in it can be read" in first.why[0]
    assert "written in format 9; this tbviz reads format 2" in second.why[0]
    assert {path.name: path.read_bytes() for path in store.iterdir()} == files


def test_unknown_kinds_and_fields_are_preserved_to_the_byte(store):
    payload = b"whatever"
    more = b'{"kind":"hologram","time":5.5,"epoch":3, "bytes":8,"depth":[1,{"a":"\xc3\xa9"}]}'
    record = stores.record(more, payload)
    store.put(store.pack + record + b"torn")
    store.repair()
    pack, _ = whole_store.pair(store.log_dir)
    assert stores.parse(pack.read_bytes())[-1][1:] == (more, payload)
    assert pack.read_bytes().endswith(record)
    line = pack.with_suffix(".jsonl").read_bytes().splitlines()[-1]
    assert line.startswith(b'{"offset":%d,"check":%d,' % (len(pack.read_bytes()) - 8,
                                                         zlib.crc32(more)))  # fmt: skip
    assert open_reader(store.log_dir).segments[0].damaged == 0


def test_format_2_is_repaired(tmp_path):
    log_dir = shutil.copytree(GOLDEN, tmp_path / "logs")
    before = whole_store.view(log_dir)
    pack, _ = whole_store.pair(log_dir)
    assert [treated.action for treated in repair(pack.parent)] == ["none"]
    pack.write_bytes(pack.read_bytes() + b"\x89tbv")
    [treated] = repair(pack.parent)
    assert treated.rewritten.name != pack.name
    assert whole_store.view(log_dir) == before
    assert len(before) == 4 * (2 + 1 + 2)
