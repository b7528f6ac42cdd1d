from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tbviz.images.display import display


def row(*values: float, dtype: type = np.float32) -> np.ndarray:
    """One gray image of one row."""
    return np.array(values, dtype).reshape(1, 1, -1)


@pytest.mark.parametrize(
    ("images", "bounds", "shown"),
    [
        (row(0, 1, 200, dtype=np.uint8), (0, 255), [0, 1, 200]),
        (row(0, 1, dtype=np.bool_), (0, 1), [0, 255]),
        (row(0, 0.5, 0.8), (0, 1), [0, 128, 204]),
        (row(-1, 0, 0.5), (-1, 1), [0, 128, 191]),
        (row(0, 100, 200), (0, 255), [0, 100, 200]),
        (row(0, 100, 200, dtype=np.int64), (0, 255), [0, 100, 200]),
        # Standardized, and with its mean subtracted.
        (row(-2, 0, 3), (-2, 3), [0, 102, 255]),
        (row(-0.02, 0.5 / 64), (-1, 1), [125, 128]),
        (row(-123, 4.5, 132), (-123, 132), [0, 128, 255]),
        (row(0, 4095, dtype=np.uint16), (0, 4095), [0, 255]),
        # The overshoot of a cubic kernel is cut off, it does not change the range.
        (row(-0.04, 0.5, 1.04), (0, 1), [0, 128, 255]),
        (row(-9, 128, 260), (0, 255), [0, 128, 255]),
        (row(300, 300), (0, 300), [255, 255]),
        (row(-7, -7), (-7, 0), [0, 0]),
        (row(np.nan, 0.2, np.inf, -np.inf), (0, 1), [0, 51, 255, 0]),
        (row(np.nan, np.inf), (0, 1), [0, 255]),
    ],
)
def test_the_range_is_learned_from_the_data(images, bounds, shown):
    rgb, learned = display(images)
    assert learned == bounds
    assert rgb.dtype == np.uint8
    assert rgb[0, 0].tolist() == [[value] * 3 for value in shown]


def test_all_images_share_one_scale():
    rgb, _ = display(np.array([[[0.0, 0.2]], [[0.0, 1.0]]]))
    assert rgb[:, 0, :, 0].tolist() == [[0, 51], [0, 255]]


def test_given_bounds_are_used_and_values_cut():
    rgb, bounds = display(row(-5, 0.5, 7), bounds=(0, 2))
    assert bounds == (0, 2)
    assert rgb[0, 0, :, 0].tolist() == [0, 64, 255]
    rgb, _ = display(row(0, 100, 255, dtype=np.uint8), bounds=(0, 100))
    assert rgb[0, 0, :, 0].tolist() == [0, 255, 255]


def test_channels():
    pixel = np.array([10, 20, 30, 40], np.uint8).reshape(1, 1, 1, 4)
    assert display(pixel[..., :1])[0].ravel().tolist() == [10, 10, 10]
    assert display(pixel[..., :2])[0].ravel().tolist() == [10, 20, 20]
    assert display(pixel[..., :3])[0].ravel().tolist() == [10, 20, 30]
    assert display(pixel)[0].ravel().tolist() == [10, 20, 30]


@given(npst.arrays(np.float64, (1, 1, 6), elements=st.floats(allow_nan=False)))
def test_brightness_keeps_the_order_of_values(images):
    rgb, (lo, hi) = display(images)
    assert lo < hi
    shown = rgb[0, 0, np.argsort(images[0, 0]), 0].astype(int)
    assert (np.diff(shown) >= 0).all()


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\(2, 2\).*\(n, height, width\)"):
        display(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="shape"):
        display(np.zeros((1, 2, 2, 0)))
    with pytest.raises(TypeError, match="complex"):
        display(np.zeros((1, 2, 2), complex))
    for bounds in [(1, 1), (2, 1), (0, float("nan")), (0, float("inf"))]:
        with pytest.raises(ValueError, match="the smaller one first"):
            display(np.zeros((1, 2, 2)), bounds)
