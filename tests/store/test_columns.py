from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tbviz.store.read.columns import Numbers, PositionRuns, encode_runs, join_runs
from tbviz.store.read.sheet_columns import SheetColumns


def runs_of(values):
    runs = PositionRuns()
    for value in values:
        runs.append(value)
    return runs


def test_runs_by_hand():
    runs = runs_of([0, 1, 2, 5, 7, 8])
    assert list(runs) == [(0, 3), (5, 1), (7, 2)]
    assert runs.total == 6
    assert list(runs.values()) == [0, 1, 2, 5, 7, 8]
    assert [runs.index(value) for value in (0, 2, 3, 5, 8, 9)] == [0, 2, None, 3, 5, None]
    assert runs.count_below(6) == 4
    for value in (8, 3):
        with pytest.raises(ValueError, match="expected at least 9"):
            runs.append(value)


@given(st.sets(st.integers(0, 60)))
def test_runs_hold_any_rising_sequence(values):
    held = sorted(values)
    runs = runs_of(held)
    assert list(runs.values()) == held
    for value in range(62):
        assert runs.count_below(value) == sum(other < value for other in held)
        assert runs.index(value) == (held.index(value) if value in values else None)


def test_join_and_encode_runs():
    assert join_runs([(0, 2), (2, 3), (7, 1), (8, 1)]) == [[0, 5], [7, 2]]
    assert join_runs([]) == []
    assert encode_runs(["a", "a", "b", "a"]) == [["a", 2], ["b", 1], ["a", 1]]
    assert encode_runs([]) == []


def test_numbers_have_gaps():
    numbers = Numbers()
    numbers.put(1, 5.0)
    numbers.put(4, math.inf)
    numbers.put(1, 6.0)
    assert numbers.span(0, 6) == [None, 6.0, None, None, math.inf, None]
    assert numbers.span(4, 5) == [math.inf]
    assert numbers.span(8, 9) == [None]


def test_a_row_that_is_wrong_leaves_nothing_behind():
    columns = SheetColumns("gray8", 2)
    good = [[10, 1, 0.0, 1.0, 0.1, 0.9], [20, 2, "NaN", "NaN", "NaN", "NaN"]]
    columns.append(0, "a", 100, good)
    for wrong in (
        good[:1],
        [good[0], [20, 2]],
        [good[0], [20, 2, 0.0, 1.0, 0.1]],
        [good[0], [20, 1 << 32, 0.0, 1.0, 0.1, 0.9]],
        [good[0], [-1, 2, 0.0, 1.0, 0.1, 0.9]],
        [good[0], [20.5, 2, 0.0, 1.0, 0.1, 0.9]],
        [good[0], [20, 2, 0.0, 1.0, 0.1, "much"]],
        [good[0], [20, 2, 0.0, 1.0, None, 0.9]],
        [5, 6],
    ):
        with pytest.raises((ValueError, TypeError, OverflowError)):
            columns.append(1, "a", 200, wrong)
    with pytest.raises(ValueError, match="expected at least 1"):
        columns.append(0, "a", 200, good)
    columns.append(3, "b", 300, good)
    assert columns.offsets().tolist() == [100, 110, 300, 310]
    assert columns.offsets(1).tolist() == [300, 310]
    table = columns.table()
    assert table["length"].tolist() == [10, 20, 10, 20]
    assert table["crc"].tolist() == [1, 2, 1, 2]
    assert [columns.sheet(1, image) for image in (0, 1)] == [(300, 10, 1), (310, 20, 2)]
    assert len(columns) == len(table) == 4
    assert columns.layouts == [("a", 1), ("b", 1)]
    assert [columns.layout_of(record) for record in (0, 1)] == ["a", "b"]
    assert columns.size == 60


def test_the_range_follows_the_rows():
    columns = SheetColumns("gray8", 1)
    assert columns.range is None
    columns.append(0, "a", 0, [[1, 0, "NaN", "NaN", "NaN", "NaN"]])
    assert columns.range is None
    columns.append(1, "a", 1, [[1, 0, -1.0, 2.0, 0.0, 1.0]])
    assert (columns.range, columns.percentiles) == ((-1.0, 2.0), (0.0, 1.0))
    columns.append(2, "a", 2, [[1, 0, 0.5, 3.0, 0.5, 0.75]])
    assert (columns.range, columns.percentiles) == ((-1.0, 3.0), (0.0, 1.0))
