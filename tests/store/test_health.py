"""The health of two callbacks in one `fit`, with gaps and words for numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tbviz.store.health import MISSING, Health
from tbviz.store.schema import HEALTH_NUMBERS

MEAN = HEALTH_NUMBERS.index("mean")


def record(**means):
    return {"layers": {name: {"channels": 2, "mean": mean} for name, mean in means.items()}}


def means(health, layer, begin, end):
    return health.numbers(layer, begin, end)[:, MEAN].tolist()


def test_numbers_stand_at_their_positions():
    health = Health()
    health.add(1, record(a=1.5, b=2.5), [], 0)
    health.add(1, record(c=3.5), [], 0)
    health.add(3, record(a="Infinity", b=None), [], 0)
    assert means(health, "a", 0, 5) == [MISSING, 1.5, MISSING, np.inf, MISSING]
    assert means(health, "b", 1, 4) == [2.5, MISSING, MISSING]
    assert means(health, "c", 0, 2) == [MISSING, 3.5]
    assert means(health, "c", 2, 4) == [MISSING, MISSING]
    assert means(health, "a", 4, 4) == []
    assert health.channels == {"a": 2, "b": 2, "c": 2}
    assert np.all(health.numbers("a", 0, 5)[:, MEAN + 1] == MISSING)


def test_tables_are_found_by_layer_and_position():
    health = Health()
    health.add(0, record(a=1, b=1), [[10, 1], [20, 2]], 100)
    health.add(0, record(c=1), [[30, 3]], 200)
    health.add(2, record(a=1, b=1), [[10, 4]], 300)  # b has none
    assert health.table("a", 0) == (0, 100, 10, 1)
    assert health.table("a", 1) == (0, 100, 10, 1)
    assert health.table("a", 9) == (2, 300, 10, 4)
    assert health.table("b", 9) == (0, 110, 20, 2)
    assert health.table("c", 9) == (0, 200, 30, 3)
    assert health.table("nowhere", 9) is None
    assert health.table("a", -1) is None


@pytest.mark.parametrize(
    ("ordinal", "meta", "sheets"),
    [
        (0, record(a=1), []),  # not above the last
        (1, record(a="much"), []),
        (1, record(a=[1]), []),
        (1, {"layers": {"a": 5}}, []),
        (1, {"layers": {"a": {"channels": -1}}}, []),
        (1, record(a=1), [[1 << 32, 0]]),
        (1, record(a=1), [["x", 0]]),
        (1, record(a=1), [5]),
        (1, {"layers": {"a": {}}, "advice": [5]}, []),
    ],
)
def test_a_record_that_makes_no_sense_leaves_nothing_behind(ordinal, meta, sheets):
    health = Health()
    health.add(0, record(a=1), [[10, 1]], 0)
    before = (health.contents(), dict(health.channels), dict(health.advice))
    with pytest.raises((ValueError, TypeError, AttributeError, OverflowError)):
        health.add(ordinal, meta, sheets, 0)
    assert (health.contents(), health.channels, health.advice) == before
    health.add(1, record(a=2), [[10, 2]], 50)
    assert means(health, "a", 0, 2) == [1, 2]
    assert health.table("a", 1) == (1, 50, 10, 2)
