from __future__ import annotations

import numpy as np
import pytest

from tbviz.arrays.value_range import value_range


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([0, 200], np.uint8), (0, 255)),
        (np.array([False, True]), (0, 1)),
        ([0.0, 0.9], (0, 1)),
        ([-0.99, 1.0], (-1, 1)),
        ([3.0, 250.0], (0, 255)),
        ([-0.4, 255.4], (0, 255)),
        # Standardized, with and without a negative value.
        ([-2.1, 2.6], (-2.1, 2.6)),
        ([0.1, 2.6], (0.1, 2.6)),
        ([np.nan, np.inf], (0, 1)),
        ([7e3], (0, 7e3)),
        ([-7e3, -7e3], (-7e3, 0)),
        ([0.0], (0, 1)),
    ],
)
def test_the_range_is_learned(values, expected):
    assert value_range(values) == expected
