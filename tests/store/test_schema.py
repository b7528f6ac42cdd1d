from __future__ import annotations

import json
import math

import numpy as np
import pytest

from tbviz.store.disk.locations import store_directory
from tbviz.store.format import schema
from tbviz.store.format.schema import (
    HEADER,
    MAGIC,
    FitPosition,
    decode_meta,
    encode_json,
    layout_id,
    number,
    plain,
)


def test_header_is_the_one_of_the_format():
    assert HEADER.size == 24
    assert bytes.fromhex("89 74 62 76 0d 0a 1a 0a") == MAGIC


def test_non_finite_numbers_are_texts_that_any_parser_reads():
    meta = {"kind": "metrics", "values": [math.nan, math.inf, -math.inf, 1.5]}
    text = encode_json(meta).decode()
    assert text == '{"kind":"metrics","values":["NaN","Infinity","-Infinity",1.5]}'
    back = [number(value) for value in json.loads(text)["values"]]
    assert math.isnan(back[0])
    assert back[1:] == [math.inf, -math.inf, 1.5]


def test_numpy_becomes_plain():
    assert plain({"a": np.float32(np.nan), "b": np.int64(3), "c": np.arange(2)}) == {
        "a": "NaN",
        "b": 3,
        "c": [0, 1],
    }
    assert type(plain(np.float64(0.5))) is float


def test_a_meta_has_no_line_feed_and_survives_any_text():
    name = "a\nb\u2028\ud800 \x00é"
    encoded = encode_json({"kind": "notice", "text": name})
    assert b"\n" not in encoded
    assert decode_meta(encoded)["text"] == name


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"{}", b'{"kind":1}', b'{"kind":"a"} x', b"\xff", b"[" * 100_000, b'{"kind":"a"'],
)
def test_an_invalid_meta_is_a_value_error(data):
    with pytest.raises(ValueError):
        decode_meta(data)


@pytest.mark.parametrize("value", ["nan", "1", None, True, [1]])
def test_a_value_that_is_not_a_number_is_a_value_error(value):
    with pytest.raises(ValueError, match="expected a number"):
        number(value)


def test_a_value_that_json_cannot_represent_is_an_error():
    with pytest.raises(TypeError, match="received set, expected numbers"):
        plain({1, 2})


def test_layout_id_depends_only_on_the_fields():
    fields = {"picture": "cam", "layer": "conv", "tile": [7, 7]}
    identifier = layout_id(fields)
    assert len(identifier) == 8
    assert int(identifier, 16) >= 0
    assert layout_id({"tile": (7, 7), "layer": "conv", "picture": "cam"}) == identifier
    assert layout_id({**fields, "id": "x", "kind": "layout", "time": 3.0}) == identifier
    assert layout_id({**fields, "layer": "conv2"}) != identifier


def test_position_fields_omit_what_is_not_set():
    assert FitPosition(3).fields() == {"epoch": 3}
    assert FitPosition(3, 0).fields() == {"epoch": 3, "batch": 0}
    assert FitPosition(3, final=True).fields() == {"epoch": 3, "final": True}


def test_store_directory(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert store_directory("~/logs") == tmp_path / "logs" / "plugins" / "tbviz"


@pytest.mark.parametrize(
    "data",
    [
        b'{"kind":"metrics","epoch":3,"values":{"loss":0.125,"x":"NaN","big":1e300}}',
        b'{"kind":"notice","text":"half a pair \\ud800, \\u00e9, \\ud83d\\ude00"}',
        b'{"kind":"x","sheets":[[71,4294967295,-0.0,1.5,2,3]]}',
        b'{"kind":"x","a":1,"a":2}',
        b'{"kind":"x","n":9223372036854775808}',
    ],
)
def test_both_parsers_find_the_same(data, monkeypatch):
    found = schema.decode_meta(data)
    monkeypatch.setattr(schema, "_parse_quickly", None)
    assert found == schema.decode_meta(data)


@pytest.mark.parametrize("quick", [True, False])
@pytest.mark.parametrize(
    "data", [b"", b"{", b"[]", b'{"kind":1}', b'{"kind":"x"}{}', b'{"kind":"x"', b'{"kind":"\xff"}']
)
def test_both_parsers_refuse_an_invalid_meta(data, quick, monkeypatch):
    if not quick:
        monkeypatch.setattr(schema, "_parse_quickly", None)
    with pytest.raises(ValueError, match=r"."):
        schema.decode_meta(data)
