"""The health of two callbacks in one `fit`, with gaps and words for numbers."""

from __future__ import annotations

import numpy as np
import pytest

from tbviz.store.format.schema import HEALTH_NUMBERS, MAX_HEALTH_NUMBERS
from tbviz.store.read.health_columns import MISSING, HealthColumns

MEAN = HEALTH_NUMBERS.index("mean")


def record(**means):
    return {"layers": {name: {"channels": 2, "mean": mean} for name, mean in means.items()}}


def means(health, layer, begin, end):
    return health.numbers(layer, begin, end)[:, MEAN].tolist()


def test_numbers_stand_at_their_positions():
    health = HealthColumns()
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
    health = HealthColumns()
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
def test_an_invalid_record_leaves_nothing_behind(ordinal, meta, sheets):
    health = HealthColumns()
    health.add(0, record(a=1), [[10, 1]], 0)
    before = (health.contents(), dict(health.channels), dict(health.advice))
    with pytest.raises((ValueError, TypeError, AttributeError, OverflowError)):
        health.add(ordinal, meta, sheets, 0)
    assert (health.contents(), health.channels, health.advice) == before
    health.add(1, record(a=2), [[10, 2]], 50)
    assert means(health, "a", 0, 2) == [1, 2]
    assert health.table("a", 1) == (1, 50, 10, 2)


def advised(ordinal, layer, *rules):
    advice = [{"layer": layer, "rule": rule, "text": f"{rule} at {ordinal}"} for rule in rules]
    return ordinal, {"layers": {layer: {"channels": 1}}, "advice": advice}, [], 0


def test_advice_holds_beside_that_of_another_callback_at_the_same_position():
    health = HealthColumns()
    for one in (
        *(advised(0, "a", "dead"), advised(0, "b", "dead")),
        *(advised(1, "a"), advised(1, "b", "alone")),
        *(advised(2, "a"), advised(2, "b")),
    ):
        health.add(*one)
    assert health.advice == {
        ("a", "dead"): [(0, "dead at 0"), (1, None)],
        ("b", "dead"): [(0, "dead at 0"), (1, None)],
        ("b", "alone"): [(1, "alone at 1"), (2, None)],
    }


def test_the_same_advice_at_a_later_position_is_no_change():
    health = HealthColumns()
    for ordinal in range(2):
        for layer in ("a", "b"):
            ordinal_, meta, sheets, offset = advised(ordinal, layer, "dead")
            meta["advice"][0]["text"] = "dead"
            health.add(ordinal_, meta, sheets, offset)
    assert health.advice == {(layer, "dead"): [(0, "dead")] for layer in ("a", "b")}


def some(ordinal, **layers):
    return ordinal, {"layers": layers}, [], 0


def test_unknown_numbers_are_stored_beside_the_others():
    health = HealthColumns()
    health.add(*some(0, a={"mean": 1.0}, b={}))
    health.add(*some(1, a={"mean": 2.0, "spin": 0.5}, b={"charm": "NaN"}))
    health.add(*some(3, a={}, b={"spin": "Infinity", "charm": None}))
    names = ("charm", "mean", "spin", "strangeness")
    found = [health.numbers(layer, 0, 4, names).tolist() for layer in ("a", "b")]
    nan = found[1][1].pop(0)
    assert np.isnan(nan)
    assert found == [
        [
            [MISSING, 1.0, MISSING, MISSING],
            [MISSING, 2.0, 0.5, MISSING],
            [MISSING] * 4,
            [MISSING] * 4,
        ],
        [[MISSING] * 4, [MISSING] * 3, [MISSING] * 4, [MISSING, MISSING, np.inf, MISSING]],
    ]
    assert health.names == {"mean", "spin", "charm"}
    assert means(health, "a", 0, 2) == [1.0, 2.0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("spin", "left"),
        ("spin", None),
        ("spin", True),
        ("spin", [1]),
        ("spin", 10**400),
        ("", 1),
        ("a,b", 1),
        ("1a", 1),
        ("a" * 65, 1),
        ("ä", 1),
        ("channels", 1),
    ],
)
def test_values_that_are_not_numbers_or_have_invalid_names_are_skipped(name, value):
    health = HealthColumns()
    health.add(*some(0, a={"mean": 1.0, name: value}))
    health.add(*some(1, a={"mean": 2.0, "spin": 3.0}))
    health.add(*some(2, a={"mean": 4.0, "spin": "left"}))
    assert health.names == {"mean", "spin"}
    assert means(health, "a", 0, 3) == [1.0, 2.0, 4.0]
    assert health.numbers("a", 0, 3, ["spin"]).tolist() == [[MISSING], [3.0], [MISSING]]


def test_too_many_numbers_are_damage_and_leave_nothing_behind(monkeypatch):
    health = HealthColumns()
    most = {f"n{index}": 1.0 for index in range(MAX_HEALTH_NUMBERS - len(HEALTH_NUMBERS))}
    health.add(*some(0, a=most))
    before = health.contents()
    with pytest.raises(ValueError, match="65 health numbers"):
        health.add(*some(1, a={"one_more": 1.0}))
    with pytest.raises(ValueError, match="health numbers"):
        health.add(*some(1, b={f"x{index}": 1.0 for index in range(5000)}))
    assert (health.contents(), health.channels) == (before, {"a": 0})
    health.add(*some(1, a={"n0": 2.0}))
    assert health.numbers("a", 0, 2, ["n0"]).tolist() == [[1.0], [2.0]]
    # Three layers with one number more: three values a record, of all records so far.
    monkeypatch.setattr("tbviz.store.read.health_columns.MAX_VALUES", 11)
    other = HealthColumns()
    for ordinal in range(3):
        other.add(*some(ordinal, a={"mean": 1.0}, b={}, c={}))
    with pytest.raises(ValueError, match="over 11 values"):
        other.add(*some(3, a={"spin": 1.0}, b={}, c={}))
    monkeypatch.setattr("tbviz.store.read.health_columns.MAX_VALUES", 12)
    other.add(*some(3, a={"spin": 1.0}, b={}, c={}))
    with pytest.raises(ValueError, match="over 12 values"):
        other.add(*some(4, a={}, b={}, c={}))
    assert means(other, "a", 0, 4) == [1.0, 1.0, 1.0, MISSING]


def test_known_numbers_take_52_bytes_a_layer_and_record():
    health = HealthColumns()
    for ordinal in range(10):
        values = {"channels": 4, **dict.fromkeys(HEALTH_NUMBERS, 0.5)}
        health.add(ordinal, {"layers": {"a": values, "b": values}}, [], 0)
    [group] = health._groups.values()
    assert len(group._numbers) * group._numbers.itemsize == 4 * len(HEALTH_NUMBERS) * 2 * 10
