from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbviz.images.colormaps import COLORMAPS
from tbviz.images.overlay import enlarge, overlay

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


def test_pixel_centres_lie_at_halves():
    # Four pixels over two: centres at 1/8, 3/8, 5/8, 7/8 of the map; edges are held.
    assert enlarge([[0.0, 1.0]], (1, 4)).tolist() == [[0.0, 0.25, 0.75, 1.0]]
    assert enlarge([[0.0], [1.0]], (4, 1)).ravel().tolist() == [0.0, 0.25, 0.75, 1.0]


def test_two_by_two_to_four_by_four():
    assert enlarge([[0.0, 4.0], [8.0, 12.0]], (4, 4)).tolist() == [
        [0.0, 1.0, 3.0, 4.0],
        [2.0, 3.0, 5.0, 6.0],
        [6.0, 7.0, 9.0, 10.0],
        [8.0, 9.0, 11.0, 12.0],
    ]


@given(st.floats(-1e30, 1e30), st.integers(1, 5), st.integers(1, 5))
def test_a_constant_stays_exactly_constant(value, height, width):
    assert (enlarge(np.full((height, width), value), (13, 17)) == value).all()


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 30), st.integers(0, 30))
def test_enlarging_is_pillows(height, width, more_rows, more_columns):
    small = np.random.default_rng(height * 7 + width).normal(size=(height, width))
    size = (height + more_rows, width + more_columns)
    image = Image.fromarray(small.astype(np.float32))
    theirs = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
    assert np.abs(enlarge(small, size) - theirs).max() < 1e-5


def test_what_is_not_finite_spoils_only_what_it_touches():
    large = enlarge([[0.0, 0.0, np.nan]], (1, 6))[0]
    assert np.isnan(large).tolist() == [False, False, False, True, True, True]


def test_overlay_by_hand():
    image = np.full((1, 4, 3), 100, np.uint8)
    cold, warm, hot = (COLORMAPS["turbo"][index].astype(float) for index in (64, 191, 255))
    drawn = overlay(image, [[0.0, 2.0]], maximum=2.0, name="turbo", strength=0.5)
    # t = 0, 0.25, 0.75, 1; opacity is half of that.
    expected = [
        np.full(3, 100),
        np.floor(100 * 0.875 + cold * 0.125 + 0.5),
        np.floor(100 * 0.625 + warm * 0.375 + 0.5),
        np.floor(100 * 0.5 + hot * 0.5 + 0.5),
    ]
    assert drawn.dtype == np.uint8
    assert drawn[0].tolist() == np.array(expected).tolist()


def test_the_photograph_is_untouched_where_the_map_is_cold():
    cam = np.zeros((3, 4))
    cam[0, 0] = 1
    drawn = overlay(IMAGE, cam, 1.0)
    assert np.array_equal(drawn[3:], IMAGE[3:])
    assert not np.array_equal(drawn[:2, :2], IMAGE[:2, :2])
    assert np.array_equal(overlay(IMAGE, -np.ones((2, 2)), 1.0), IMAGE)


@pytest.mark.parametrize("maximum", [0.0, -1.0, np.nan, np.inf])
def test_a_map_without_a_maximum_leaves_the_image_untouched(maximum):
    assert np.array_equal(overlay(IMAGE, np.ones((2, 2)), maximum), IMAGE)


def test_nan_is_cold_and_infinity_hot():
    assert np.array_equal(overlay(IMAGE, np.full((2, 2), np.nan), 1.0), IMAGE)
    hot = overlay(IMAGE[:1, :1], [[5e-324]], 5e-324)
    assert np.array_equal(overlay(IMAGE[:1, :1], [[7.0]], 1.0), hot)


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\(6, 8\).*uint8 RGB"):
        overlay(IMAGE[..., 0], np.ones((2, 2)), 1.0)
    with pytest.raises(ValueError, match="float64"):
        overlay(IMAGE / 255, np.ones((2, 2)), 1.0)
    with pytest.raises(ValueError, match="strength 2"):
        overlay(IMAGE, np.ones((2, 2)), 1.0, strength=2)
    with pytest.raises(ValueError, match="colour map 'jet'"):
        overlay(IMAGE, np.ones((2, 2)), 1.0, name="jet")
    with pytest.raises(ValueError, match=r"\(2, 2, 2\).*\(h, w\)"):
        enlarge(np.ones((2, 2, 2)), (4, 4))
    with pytest.raises(ValueError, match=r"size \(0, 4\)"):
        enlarge(np.ones((2, 2)), (0, 4))
