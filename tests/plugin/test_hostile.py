"""A store with right CRCs and wrong content: every route answers, and answers what it may."""

from __future__ import annotations

import json
import struct
import tracemalloc
import zlib

import pytest
from forged_stores import HONEST, LAYOUT, PNG, TABLE, ForgedStore, paths_of, replaced
from plugin.asking import Asker

from tbviz.store.format.schema import FORMAT

DEEP = [
    (f"{name} {depth}", opening * depth + "1" + closing * depth)
    for depth in (50, 120, 300, 600, 900, 980, 100_000)
    for name, opening, closing in (("lists", "[", "]"), ("objects", '{"a":', "}"))
]
NUMBERS = [
    "1e400", "-1e400", "1e308", "NaN", "Infinity", "-Infinity", "-1", "-0.0", "1.5", "4294967295",
    "4294967296", "9223372036854775807", "9223372036854775808", "1" * 400, "1" * 4000, "1" * 5000,
    "-" + "1" * 4000, "true", "null",
]  # fmt: skip
TEXTS = [
    "", "../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", "a\r\nX-Evil: 1\r\n\r\n",
    "\u202egnp.exe", "\ud800", "<script>alert(1)</script>", "%2e%2e%2f%00", "__proto__", "&#x0;",
    "a" * 100_000,
]  # fmt: skip
SHAPES = ["[]", "{}", "[[]]", "[[[]]]", "[{}]", '[[1,"NaN"]]', '{"a":{}}', '{"a":[]}', '["a","a"]']
WRONG = [*NUMBERS, *map(json.dumps, TEXTS), *SHAPES, *(text for _, text in DEEP)]


@pytest.fixture
def asked(board, tmp_path):
    def ask(*forges):
        for forged in forges:
            forged.write()
        asker = Asker(board(tmp_path))
        asker.everything()
        assert asker.wrong == []
        assert asker.counts[200] > 10  # nothing hides what is honest
        return asker

    return ask


@pytest.mark.parametrize(
    ("kind", "index"),
    [*((kind, True) for kind in HONEST), ("fit", False), ("activations", False)],
)
def test_any_value_in_any_field_of_a_meta(asked, tmp_path, kind, index, faults):
    meta, payload = HONEST[kind]
    forged = ForgedStore(tmp_path)
    for at in paths_of(meta):
        for text in WRONG:
            forged.add(replaced(meta, at, text), payload)
            faults.tried += 1
    if not index:
        forged.index.clear()
    asked(forged)
    faults.survived = faults.tried


def picture(kind, layer, layout="0a0a0a0a", **fields):
    meta, payload = HONEST["activations"]
    return {**meta, "kind": kind, "layer": layer, "layout": layout, **fields}, payload


def test_any_text_as_a_name(asked, tmp_path, faults):
    forged = ForgedStore(tmp_path)
    names = [*TEXTS, "\u0000", "writer", "health", "..", "\x7f\x1b[2J"]
    for at, name in enumerate(names):
        with faults.trying():
            identifier = f"{at:08x}"
            forged.add({**LAYOUT, "id": identifier, "layer": name, "titles": [name], "title": name})
            forged.add(*picture("activations", name, identifier))
            forged.add(*picture(name, "conv", identifier))
            forged.add({"kind": "notice", "method": name, "layer": name, "text": name})
            forged.add({"kind": "metrics", "epoch": 0, "values": {name: 1}})
            forged.add({"kind": "health", "epoch": 0, "layers": {name: {"channels": 1}}})
            forged.add({**HONEST["probe"][0], "images": [{"name": name}]}, PNG)
            forged.add({**HONEST["fit"][0], "model": name, "reason": name})
    asker = asked(forged)
    assert asker.counts[200] > 10 * len(names)


def test_a_name_of_a_megabyte(asked, tmp_path, faults):
    with faults.trying():
        forged = ForgedStore(tmp_path)
        forged.add({**LAYOUT, "id": "1" * 8, "layer": "a" * (1 << 20)})
        forged.add(*picture("activations", "a" * (1 << 20), "1" * 8))
        asked(forged)


def test_texts_are_sent_as_texts(board, tmp_path):
    forged = ForgedStore(tmp_path)
    evil = "<script>alert(1)</script>\r\nX-Evil: 1"
    forged.add({"kind": "notice", "method": evil, "text": evil})
    forged.write()
    one = board(tmp_path)
    for response in (one.get("index", run="."), one.get("index", run=evil)):
        assert response.headers["Content-Type"] == "application/json; charset=utf-8"
        assert "X-Evil" not in response.headers
    assert one.ask("index", run=".")["notices"][-1]["text"] == evil


def table(data):
    return {"media": "table", "bytes": len(data), "sheets": [[len(data), zlib.crc32(data)]]}, data


@pytest.mark.parametrize("data", [b"", b"\0", b"12345", b"\xff" * 7], ids=repr)
def test_a_table_that_is_none(asked, tmp_path, data, faults):
    with faults.trying():
        forged = ForgedStore(tmp_path)
        fields, payload = table(data)
        health = {"kind": "health", "epoch": 1, "layers": {"conv": {}}, "columns": ["a", "b"]}
        forged.add({**health, **fields}, payload)
        assert asked(forged).counts[410] == (len(data) % 4 > 0)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b'{"nodes":7}',
        b"\xff\xfe",
        b'{"nodes":' + b"1" * 5000 + b"}",
        *(b'{"nodes":' + text.encode() + b"}" for _, text in DEEP),
    ],
    ids=lambda data: f"{data[:12]!r} {len(data)}",
)
def test_a_layer_tree_that_is_none(asked, tmp_path, data, faults):
    with faults.trying():
        forged = ForgedStore(tmp_path)
        fields, payload = table(data)
        forged.add({**HONEST["model"][0], **fields}, payload)
        asked(forged)


BIG = "1" * 4000
LARGE = [
    {"tile": [10**9, 10**9], "tiles": 10**9},
    {"tile": [1, 10**9], "tiles": 10**9},
    {"tile": [int(BIG), int(BIG)], "tiles": int(BIG), "columns": int(BIG), "images": int(BIG)},
    {"tile": [2**31, 2**31], "tiles": 2**62},
    {"tile": [1, 1], "tiles": 10**9, "columns": 10**9},
    {"tile": [0, 0], "tiles": 0, "columns": 0},
    {"tile": [-4, -4], "tiles": -1, "columns": -1},
    {"tile": [4, 4], "tiles": 64, "columns": 1},
    {"tile": [True, True], "tiles": True},
]


@pytest.mark.parametrize("claims", LARGE, ids=lambda claims: str(claims)[:50])
def test_a_layout_that_claims_too_much(asked, tmp_path, claims, faults):
    with faults.trying():
        forged = ForgedStore(tmp_path)
        forged.add({**LAYOUT, "id": "1" * 8, "layer": "big", **claims})
        forged.add(*picture("activations", "big", "1" * 8))
        forged.write()
        tracemalloc.start()
        try:
            asked(forged)
            assert tracemalloc.get_traced_memory()[1] < 50 << 20
        finally:
            tracemalloc.stop()


def test_a_sheet_that_is_a_bomb(asked, tmp_path, faults):
    def chunk(kind, data):
        check = zlib.crc32(kind + data)
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", check)

    for side in (9_000, 12_000, 60_000, 2**31 - 1):
        with faults.trying():
            header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
            pixels = zlib.compress(bytes(1 << 20), 9)
            png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", pixels)
            png += chunk(b"IEND", b"")
            forged = ForgedStore(tmp_path, seq=side % 1000)
            tile = {"tile": [side, side]} if side < 2**13 else {"tile": [1, 1]}
            forged.add({**LAYOUT, "id": "2" * 8, "layer": "bomb", **tile})
            forged.add(
                {**HONEST["activations"][0], "layer": "bomb", "layout": "2" * 8, "bytes": len(png),
                 "sheets": [[len(png), zlib.crc32(png), 0, 1, 0, 1]]},
                png,
            )  # fmt: skip
            forged.write()
    asked(forged)


def test_layouts_of_one_segment_are_not_those_of_another(asked, tmp_path, faults):
    with faults.trying():
        one, other = ForgedStore(tmp_path, 1), ForgedStore(tmp_path, 2)
        other.add({**LAYOUT, "id": "", "layer": "conv"})
        other.add(*picture("cam", "conv", ""))
        other.add({**HONEST["health"][0], "epoch": 3}, TABLE)
        asked(one, other)


def test_positions_in_any_order_and_segments_that_say_they_replace_each_other(
    asked, tmp_path, faults
):
    with faults.trying():
        one, other = ForgedStore(tmp_path, 1), ForgedStore(tmp_path, 2, honest=False)
        for epoch in (5, 3, 2**62, 0, 5, 4):
            for batch in ({}, {"batch": 7 - epoch % 5}, {"final": True}):
                at = {"epoch": epoch, **batch}
                one.add(*picture("cam", "conv", **at))
                one.add({"kind": "metrics", **at, "values": {"loss": epoch}})
                one.add({**HONEST["health"][0], **at}, TABLE)
        other.add({"kind": "writer", "format": FORMAT, "replaces": [other.uid, "no", one.uid[:-1]]})
        asked(one, other)
