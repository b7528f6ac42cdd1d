from __future__ import annotations

import os
import random
import shutil
from collections import Counter

import pytest
import stores
from damaged_store import DamagedStore, epochs

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError
from tbviz.store.read.reader import Reader


@pytest.mark.parametrize("index", [None, False])  # ahead of the pack; lost
def test_every_truncation_of_the_last_two_records(damaged, faults, index):
    for size in range(damaged.begins[-3], len(damaged.pack)):
        with faults.trying():
            damaged.put(damaged.pack[:size], index)
            run = damaged.open()
            assert epochs(run) == damaged.whole(size), size
            assert run.segments[0].damaged == 0
            # The rest comes, as it does while the writer lives.
            damaged.put()
            assert run.refresh()
            assert epochs(run) == [0, 1, 2, 3], size
            assert run.segments[0].damaged == 0
            assert run.picture("activations", "conv", 3, 1) == stores.sheets(3)[1]


def test_every_truncation_of_the_last_two_lines(damaged, faults):
    lines = damaged.index.splitlines(keepends=True)
    for size in range(len(damaged.index) - len(lines[-1]) - len(lines[-2]), len(damaged.index)):
        with faults.trying():
            damaged.put(index=damaged.index[:size])
            run = damaged.open()
            assert epochs(run) == [0, 1, 2, 3], size
            assert run.segments[0].damaged == 0
            damaged.put()
            run.refresh()
            assert epochs(run) == [0, 1, 2, 3]


@pytest.mark.parametrize("missing_lines", [1, 2, 5])
def test_every_truncation_of_the_pack_with_an_index_that_is_behind(damaged, faults, missing_lines):
    lines = damaged.index.splitlines(keepends=True)
    for size in range(damaged.begins[-3], len(damaged.pack)):
        with faults.trying():
            damaged.put(damaged.pack[:size], b"".join(lines[:-missing_lines]))
            run = damaged.open()
            assert epochs(run) == damaged.whole(size), size
            assert run.segments[0].damaged == 0


@pytest.mark.parametrize("zeroed_file", ["pack", "index", "both"])
def test_zeros_from_any_byte_of_the_last_4_kib_on(tmp_path, faults, zeroed_file):
    damaged = DamagedStore(tmp_path, positions=30)  # 6 KiB each
    assert min(len(damaged.pack), len(damaged.index)) > 4096 + 1024

    def zeroed(data, count):
        return data[: len(data) - count] + bytes(count)

    # As ext4 leaves a file whose new size reached the disk before its blocks did.
    for count in [*range(1, 4096, 23), 4096]:
        with faults.trying():
            pack = damaged.pack if zeroed_file == "index" else zeroed(damaged.pack, count)
            damaged.put(
                pack, damaged.index if zeroed_file == "pack" else zeroed(damaged.index, count)
            )
            run = damaged.open()
            whole = damaged.whole(len(damaged.pack) - (0 if zeroed_file == "index" else count))
            assert epochs(run)[: len(whole)] == whole
            assert len(run) == 30 if zeroed_file != "both" else len(run) >= len(whole)
            for position, epoch in enumerate(epochs(run)):
                for image in (0, 1):
                    if epoch in whole:
                        picture = run.picture("activations", "conv", position, image)
                        assert picture == stores.sheets(epoch)[image]
                    elif epoch > len(whole):
                        with pytest.raises(DamagedError):
                            run.picture("activations", "conv", position, image)
            assert not run.refresh()


def test_growth_in_any_steps_ends_complete(damaged):
    random.seed(0)
    for _ in range(20):
        damaged.put(b"", b"")
        reader = Reader(damaged.pack_path.parent)
        pack = index = 0
        while (pack, index) != (len(damaged.pack), len(damaged.index)):
            pack = min(len(damaged.pack), pack + random.randrange(200))
            index = min(len(damaged.index), index + random.randrange(200))
            damaged.put(damaged.pack[:pack], damaged.index[:index])
            reader.refresh()
            assert epochs(reader) == damaged.whole(pack)
        assert reader.segments[0].damaged == 0


@pytest.mark.parametrize("missing", [[0], [2], [3], [5], [2, 3], [0, 5], [1, 3, 4]])
def test_lines_that_are_missing_are_found_in_the_pack(damaged, missing):
    lines = damaged.index.splitlines(keepends=True)
    damaged.put(index=b"".join(line for k, line in enumerate(lines) if k not in missing))
    run = damaged.open()
    assert epochs(run) == [0, 1, 2, 3]
    assert run.segments[0].damaged == 0


FIELDS = {"magic": 0, "meta length": 8, "payload length": 12, "meta CRC": 16, "payload CRC": 20}


@pytest.mark.parametrize("index", [None, False])
def test_every_bit_flip_in_the_last_record(damaged, faults, index):
    begin, meta, _ = damaged.records[-1]
    first = len(stores.sheets(3)[0])
    flips = Counter()
    header = range(8 * 24)
    rest = range(8 * 24, 8 * (len(damaged.pack) - begin), 9)  # another bit of each byte
    for bit in [*header, *rest]:
        with faults.trying():
            at, field = begin + bit // 8, bit // 8
            flipped = bytearray(damaged.pack)
            flipped[at] ^= 1 << (bit % 8)
            damaged.put(bytes(flipped), index)
            run = damaged.open()
            assert epochs(run)[:3] == [0, 1, 2]
            for epoch in (0, 1, 2):
                assert run.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]
            known = epochs(run) == [0, 1, 2, 3]
            # The index knows the record; without one it is as good as its header and meta are.
            assert known or index is False
            if known and field >= 24 + len(meta):
                wrong = int(field - 24 - len(meta) >= first)
                with pytest.raises(DamagedError):
                    run.picture("activations", "conv", 3, wrong)
            elif known:
                assert run.picture("activations", "conv", 3, 1) == stores.sheets(3)[1]
            name = [name for name, start in FIELDS.items() if field >= start][-1]
            name = name if field < 24 else "meta" if field < 24 + len(meta) else "payload"
            flips[name, known] += 1
    if index is False:
        assert {name for name, known in flips if not known} == {
            "magic", "meta length", "meta CRC", "meta"
        }  # fmt: skip
        assert {name for name, known in flips if known} == {
            "payload length", "payload CRC", "payload"
        }  # fmt: skip


@pytest.mark.parametrize("index", [None, False])
def test_every_bit_flip_in_a_record_costs_at_most_that_record(damaged, faults, index):
    begin, meta, payload = damaged.records[3]  # of epoch 1
    others = [0, 2, 3]
    for at in range(begin, damaged.begins[4]):
        faults.tried += 1
        flipped = bytearray(damaged.pack)
        flipped[at] ^= 1 << (at % 8)
        damaged.put(bytes(flipped), index)
        run = damaged.open()
        field = at - begin
        in_payload = field >= 24 + len(meta)
        seen = epochs(run)
        assert [epoch for epoch in seen if epoch != 1] == others, field
        for epoch in others:
            position = seen.index(epoch)
            for image in (0, 1):
                picture = run.picture("activations", "conv", position, image)
                assert picture == stores.sheets(epoch)[image]
        if in_payload:
            assert seen == [0, 1, 2, 3]
            first = len(stores.sheets(1)[0])
            wrong = int(field - 24 - len(meta) >= first)
            with pytest.raises(DamagedError):
                run.picture("activations", "conv", 1, wrong)
            other = run.picture("activations", "conv", 1, 1 - wrong)
            assert other == stores.sheets(1)[1 - wrong]
        elif index is False and (field < 12 or 16 <= field < 20 or field >= 24):
            # Magic, length of meta, its CRC, meta: the record is lost, and counted as damage.
            assert seen == others
            assert run.segments[0].damaged == 1
        else:
            # The meta has the length of the payload; the index knows the record without the pack.
            assert seen == [0, 1, 2, 3]
        faults.survived += 1
    assert payload


@pytest.mark.parametrize("line", [3, 5])  # in the middle, and the last
def test_every_bit_flip_in_the_index_costs_nothing(damaged, faults, line):
    lines = damaged.index.splitlines(keepends=True)
    begin = sum(map(len, lines[:line]))
    for bit in range(0, 8 * len(lines[line]), 9):
        with faults.trying():
            flipped = bytearray(damaged.index)
            flipped[begin + bit // 8] ^= 1 << (bit % 8)
            damaged.put(index=bytes(flipped))
            run = damaged.open()
            assert epochs(run) == [0, 1, 2, 3], bit
            for epoch in range(4):
                assert run.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]


def test_a_flipped_last_record_is_damage_only_when_it_stays(damaged):
    begin = damaged.begins[-2]
    zeros = damaged.pack[:begin] + bytes(len(damaged.pack) - begin)
    damaged.put(zeros, index=False)
    run = damaged.open()
    assert epochs(run) == [0, 1, 2]
    assert run.segments[0].damaged == 1
    damaged.put(index=False)
    os.utime(damaged.pack_path, ns=(1, 1))  # whatever the clock's resolution
    run.refresh()
    assert epochs(run) == [0, 1, 2, 3]
    assert run.segments[0].damaged == 0


def test_garbage_between_records_is_counted_once(damaged):
    cut = damaged.begins[4]
    for garbage in (b"\0" * 5000, b"\x89tbv" * 10, stores.MAGIC * 3, os.urandom(3000)):
        damaged.put(damaged.pack[:cut] + garbage + damaged.pack[cut:], index=False)
        run = damaged.open()
        assert epochs(run) == [0, 1, 2, 3]
        assert run.segments[0].damaged == 1
        assert run.picture("activations", "conv", 3, 0) == stores.sheets(3)[0]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\n" * 1000,
        b"{}",
        b'{"offset":0,"check":0,}\n' * 10,
        b'{"offset":99999999999999999999,"check":1,"kind":"x"}\n',
        os.urandom(1 << 16),
        bytes(1 << 21),
        b"\x89tbv\r\n\x1a\n" * 1000,
        b"\x89tbv\r\n\x1a\n" + b"\xff" * 16 + b"{}",
    ],
    ids=["empty", "lines", "braces", "no lines", "far", "random", "zeros", "magic", "huge"],
)
def test_foreign_files_never_stop_a_reader(damaged, content, faults):
    faults.tried += 1
    directory = damaged.pack_path.parent
    (directory / "000000-00000000000000aa.pack").write_bytes(content)
    (directory / "000000-00000000000000aa.jsonl").write_bytes(content)
    (directory / "000002-00000000000000bb.jsonl").write_bytes(content)
    (directory / "notes.txt").write_bytes(content)
    (directory / "000003-00000000000000cc.pack").mkdir()
    (directory / "000004-00000000000000dd.pack").symlink_to(directory / "nowhere")
    os.mkfifo(directory / "000005-00000000000000ee.pack")
    damaged.put(index=content)
    run = damaged.open()
    assert epochs(run) == [0, 1, 2, 3]
    mine = next(s for s in run.segments if s.source.path == damaged.pack_path)
    assert mine.damaged == 0
    foreign = [s for s in run.segments if s.source.path != damaged.pack_path]
    assert len(foreign) == (len(content) > 0)
    assert all(len(s) == 0 and s.damaged == 1 for s in foreign if content[:4] != b"\x89tbv")
    assert not run.refresh()
    faults.survived += 1


def test_a_pack_that_shrank_is_read_again(damaged):
    run = damaged.open()
    damaged.put(damaged.pack[: damaged.begins[-2]])
    assert run.refresh()
    assert epochs(run) == [0, 1, 2]


def test_delete_everything_and_start_again(tmp_path):
    reader = Reader(store_directory(tmp_path))
    first = stores.write(tmp_path)
    reader.refresh()
    assert len(reader) == 4
    shutil.rmtree(tmp_path / "plugins")
    assert reader.refresh()
    assert (len(reader), reader.segments, reader.series()) == (0, [], [])
    assert not reader.refresh()
    second = stores.write(tmp_path, 2)
    assert second.path.name[:6] == first.path.name[:6] == "000001"
    assert reader.refresh()
    assert epochs(reader) == [0, 1]
    assert reader.picture("activations", "conv", 1, 0) == stores.sheets(1)[0]


@pytest.mark.parametrize("seed", range(8))
def test_no_damage_whatsoever_stops_a_reader_or_shows_a_wrong_picture(tmp_path, seed, faults):
    damaged = DamagedStore(tmp_path, positions=6)
    draw = random.Random(seed)

    def damage(data):
        data = bytearray(data)
        for _ in range(draw.randrange(1, 6)):
            at = draw.randrange(len(data))
            length = draw.randrange(1, 200)
            match draw.randrange(4):
                case 0:
                    data[at : at + length] = draw.randbytes(length)
                case 1:
                    del data[at : at + length]
                case 2:
                    data[at:at] = data[max(0, at - length) : at]
                case 3:
                    data[at : at + length] = bytes(length)
        return bytes(data)

    truth = {(epoch, image): stores.sheets(epoch)[image] for epoch in range(6) for image in (0, 1)}
    for _ in range(60):
        with faults.trying():
            damaged.put(damage(damaged.pack), damage(damaged.index))
            run = damaged.open()
            for position, (_, location) in enumerate(run.positions):
                for image in (0, 1):
                    try:
                        picture = run.picture("activations", "conv", position, image)
                    except StoreError:
                        continue
                    assert picture == truth[location.epoch, image]
            assert not run.refresh()
