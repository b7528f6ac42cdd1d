from __future__ import annotations

import numpy as np
import pytest

from tbviz.methods.activation_maps.bars import HEIGHT, bars


def columns(picture):
    """One column of each bar."""
    return picture[:, ::16]


def test_a_bar_holds_its_value_from_zero_up_or_down():
    [picture] = bars(np.array([[3, -1, 0]], np.float32))
    # 3 above and 1 below: three quarters of the height, and one.
    assert picture.shape == (HEIGHT, 3 * 16)
    up, down, none = columns(picture).T
    np.testing.assert_array_equal(up, [3] * 48 + [0] * 16)
    np.testing.assert_array_equal(down, [0] * 48 + [-1] * 16)
    assert not none.any()
    assert not picture[:, 15::16].any()  # the gap after each


def test_images_share_one_scale_and_what_is_small_is_seen():
    tall, low = bars(np.array([[8], [1e-6]], np.float32))
    assert (tall == 8).sum() == HEIGHT * 15
    np.testing.assert_array_equal(np.flatnonzero(low[:, 0]), [HEIGHT - 1])
    assert low[-1, 0] == np.float32(1e-6)


@pytest.mark.parametrize(("channels", "width"), [(1, 16), (64, 4), (100, 2), (256, 1), (1000, 1)])
def test_bars_are_as_wide_as_fits(channels, width):
    picture = bars(np.ones((1, 1, 1, channels), np.float32))[0]
    assert picture.shape == (HEIGHT, channels * width)
    assert picture[0, (channels - 1) * width] == 1


def test_what_is_not_finite_fills_its_side_and_the_others_keep_their_scale():
    [picture] = bars(np.array([[np.nan, np.inf, -np.inf, 1, -1]], np.float32))
    undefined, up, down, one, minus = columns(picture).T
    assert np.isnan(undefined).all()
    np.testing.assert_array_equal(up, [np.inf] * 32 + [0] * 32)
    np.testing.assert_array_equal(down, [0] * 32 + [-np.inf] * 32)
    np.testing.assert_array_equal(one, [1] * 32 + [0] * 32)
    np.testing.assert_array_equal(minus, [0] * 32 + [-1] * 32)


@pytest.mark.parametrize("value", [0, -0.0])
def test_nothing_but_zeros_has_no_bars(value):
    assert not bars(np.full((2, 5), value, np.float32)).any()


@pytest.mark.parametrize("value", [3e38, -3e38, 1e-45])
def test_the_ends_of_float32_are_drawn(value):
    picture = bars(np.array([[value, 0]], np.float32))[0]
    assert (picture[:, 0] == np.float32(value)).all()
    assert not picture[:, 16].any()
