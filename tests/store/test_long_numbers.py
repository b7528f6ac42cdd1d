"""A number of more digits than Python reads is a number like any other that is too large."""

from __future__ import annotations

import pytest
import stores
from foreign_stores import refused, write

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError
from tbviz.store.format import schema
from tbviz.store.format.record import header, index_line
from tbviz.store.format.schema import HEADER, decode_meta
from tbviz.store.maintain.prune import KeepRule, prune
from tbviz.store.maintain.repair import repair
from tbviz.store.read.reader import Reader, open_reader

LENGTHS = [310, 4300, 4301, 5000, 60_000]
UNKNOWN = refused("an unknown format")


def write_long(log_dir, digits, sign="", name="format"):
    """Write a pack whose `writer` record has such a number, all CRCs right, without an index."""
    pack = write(log_dir).path
    pack.with_suffix(".jsonl").unlink()
    data = pack.read_bytes()
    length = HEADER.unpack_from(data)[1]
    meta = data[HEADER.size : HEADER.size + length]
    field = b'"%b":' % name.encode()
    begin = meta.index(field) + len(field)
    end = min(meta.index(mark, begin) for mark in (b",", b"}") if mark in meta[begin:])
    meta = meta[:begin] + sign.encode() + b"7" * digits + meta[end:]
    pack.write_bytes(header(meta, b"") + meta + data[HEADER.size + length :])
    return pack


def read(log_dir):

    reader = Reader(store_directory(log_dir))
    reader.refresh()
    return reader


@pytest.fixture(params=["quick", "plain"], autouse=True)
def parser(request, monkeypatch):
    if request.param == "plain":
        monkeypatch.setattr(schema, "_parse_quickly", None)


@pytest.mark.parametrize("digits", LENGTHS)
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_format_of_many_digits_is_refused(tmp_path, digits, sign):
    write_long(tmp_path, digits, sign)
    [segment] = read(tmp_path).segments
    assert (segment.refused, segment.format, len(segment)) == (UNKNOWN, None, 0)
    with pytest.raises(StoreError) as error:
        open_reader(tmp_path)
    assert str(error.value).endswith(f"; segment 1 was {UNKNOWN}")


@pytest.mark.parametrize("digits", LENGTHS)
@pytest.mark.parametrize("tool", ["repair", "prune"])
def test_it_is_left_as_it_is(tmp_path, digits, tool):
    pack = write_long(tmp_path, digits)
    pack.write_bytes(pack.read_bytes() + b"torn")
    before = pack.read_bytes()
    store = store_directory(tmp_path)
    if tool == "repair":
        [done] = repair(store)
        assert (done.action, done.why) == ("left", (UNKNOWN,))
    else:
        [done] = prune(store, KeepRule(10, 0))
        assert (done.left, done.dropped) == (UNKNOWN, 0)
    assert {path.name: path.read_bytes() for path in store.iterdir()} == {pack.name: before}


def test_an_index_alone_says_it(tmp_path):
    pack = write_long(tmp_path, 5000)
    data = bytearray(pack.read_bytes())
    length = HEADER.unpack_from(data)[1]
    meta = bytes(data[HEADER.size : HEADER.size + length])
    line = index_line(meta, HEADER.unpack_from(data)[3], HEADER.size + length)
    pack.with_suffix(".jsonl").write_bytes(line)
    data[8] ^= 1
    pack.write_bytes(data)
    assert read(tmp_path).refused == [f"segment 1 was {UNKNOWN}"]


def test_a_damaged_one_is_still_damage(tmp_path):
    pack = write_long(tmp_path, 5000)
    data = bytearray(pack.read_bytes())
    data[HEADER.size + 20] ^= 1
    pack.write_bytes(data)
    [segment] = read(tmp_path).segments
    assert (segment.refused, segment.damaged, len(segment)) == ("", 1, 2)


def test_another_field_of_the_first_record_is_no_format(tmp_path):
    write_long(tmp_path, 5000, name="time")
    [segment] = read(tmp_path).segments
    assert (segment.refused, segment.format, len(segment)) == ("", 2, 2)


@pytest.mark.parametrize("epoch", [b"9" * 5000, b"-" + b"9" * 5000])
def test_a_later_record_with_such_a_position_is_damage(tmp_path, epoch):
    pack = write(tmp_path).path
    meta = b'{"kind":"metrics","time":5.0,"epoch":%b,"values":{"loss":1.0}}' % epoch
    pack.write_bytes(pack.read_bytes() + stores.record(meta))
    run = open_reader(tmp_path)
    assert (len(run), run.segments[0].damaged) == (2, 1)


def test_what_is_no_json_is_no_meta():
    for text in (b'{"kind":"m","a":%b' % (b"1" * 5000), b'{"kind":"m","a":%b}x' % (b"1" * 5000)):
        with pytest.raises(ValueError, match=r"Expecting|followed"):
            decode_meta(text)
