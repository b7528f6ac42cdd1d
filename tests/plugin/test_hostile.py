"""A store with right CRCs and wrong content: every route answers, and answers what it may."""

from __future__ import annotations

import json

import pytest
from forge import HONEST, Forge, places, replaced
from plugin.asking import Asker

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
    "", "../../etc/passwd", "/etc/passwd", "C:\\x", "a\0b", "a\r\nX-Evil: 1\r\n\r\n", "\u202egnp.exe",
    "\ud800", "<script>alert(1)</script>", "%2e%2e%2f%00", "__proto__", "&#x0;", "a" * 100_000,
]  # fmt: skip
SHAPES = ["[]", "{}", "[[]]", "[[[]]]", "[{}]", '[[1,"NaN"]]', '{"a":{}}', '{"a":[]}', '["a","a"]']
WRONG = [*NUMBERS, *map(json.dumps, TEXTS), *SHAPES, *(text for _, text in DEEP)]


@pytest.fixture
def asked(board, tmp_path):
    def ask(*forges):
        for forge in forges:
            forge.write()
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
def test_any_value_in_any_place_of_a_meta(asked, tmp_path, kind, index, faults):
    meta, payload = HONEST[kind]
    forge = Forge(tmp_path)
    for at in places(meta):
        for text in WRONG:
            forge.add(replaced(meta, at, text), payload)
            faults.tried += 1
    if not index:
        forge.index.clear()
    asked(forge)
    faults.survived = faults.tried
