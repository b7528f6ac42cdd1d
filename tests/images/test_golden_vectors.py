"""The committed vectors are what Python computes today; the page is held to the same file."""

from __future__ import annotations

import base64
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from tbviz.images.sheet import decode

GOLDEN = Path(__file__).parents[1] / "golden"
COMMITTED = json.loads((GOLDEN / "vectors.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def today():
    spec = importlib.util.spec_from_file_location("make_vectors", GOLDEN / "make_vectors.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return json.loads(module.to_json(module.vectors()))


def without_bytes(sheets):
    # Compressed bytes differ between versions of zlib; what they hold must not.
    return [{key: value for key, value in sheet.items() if key != "png"} for sheet in sheets]


def test_the_committed_vectors_are_todays(today):
    assert COMMITTED.keys() == today.keys()
    for part in today:
        if part != "sheets":
            assert COMMITTED[part] == today[part], part
    assert without_bytes(COMMITTED["sheets"]) == without_bytes(today["sheets"])


def test_the_committed_sheets_decode_to_what_stands_beside_them():
    for sheet in COMMITTED["sheets"]:
        decoded = decode(base64.b64decode(sheet["png"]))
        assert decoded.pixels.tolist() == sheet["pixels"]
        assert decoded.text == sheet["text"]
        if sheet["ranges"] is None:
            assert decoded.ranges is None
        else:
            expected = np.array([[float(end) for end in pair] for pair in sheet["ranges"]])
            assert np.array_equal(decoded.ranges, expected, equal_nan=True)


def test_values_worked_by_hand_stand_in_the_file():
    assert COMMITTED["enlarge"][0] == {
        "map": [[0.0, 1.0]],
        "size": [1, 4],
        "values": [[0.0, 0.25, 0.75, 1.0]],
    }
    identity = COMMITTED["colorize"][0]
    assert (identity["lo"], identity["hi"], identity["colormap"]) == (0, 1, "gray")
    # Level 63 of 252 is a quarter: 0.25 * 255 + 0.5 = 64.25.
    assert [identity["rgb"][level] for level in (0, 63, 126, 252)] == [
        [0, 0, 0],
        [64, 64, 64],
        [128, 128, 128],
        [255, 255, 255],
    ]
    assert identity["rgb"][253:] == [
        COMMITTED["special_colors"][key] for key in ["253", "254", "255"]
    ]
