from __future__ import annotations

import math

import numpy as np
from hypothesis import example, given
from hypothesis import strategies as st

from tbviz.store.format.six_digits import fitting, nearest

MAX_FLOAT32 = float(np.finfo(np.float32).max)


@given(st.floats(-1e37, 1e37).filter(lambda x: x == 0 or abs(x) > 1e-37), st.integers(1, 6))
@example(999999.5, 6)
@example(-0.001, 6)
@example(1e-30, 6)
@example(1e37, 6)
@example(0.0, 3)
def test_numbers_of_up_to_six_digits_round_trip(value, digits):
    written = float(f"{value:.{digits}g}")
    assert nearest(np.array([written, 1.0], np.float32), digits) == [written, 1.0]


def test_numbers_that_are_not_finite_round_trip():
    back = nearest(np.array([math.inf, -math.inf, math.nan, 2.5], np.float32))
    assert back[:2] == [math.inf, -math.inf]
    assert math.isnan(back[2])
    assert back[3] == 2.5


def test_numbers_beyond_float32_are_infinite():
    assert [fitting(value) for value in (1e39, -1e39, 2.5)] == [math.inf, -math.inf, 2.5]
    assert fitting(MAX_FLOAT32) == MAX_FLOAT32
    assert math.isnan(fitting(math.nan))
