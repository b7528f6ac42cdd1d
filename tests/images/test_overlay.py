from __future__ import annotations

import numpy as np
import pytest

from tbviz.images.colormaps import COLORMAPS
from tbviz.images.overlay import overlay

IMAGE = np.random.default_rng(0).integers(0, 256, (6, 8, 3), np.uint8)


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
    with pytest.raises(ValueError, match="color map 'jet'"):
        overlay(IMAGE, np.ones((2, 2)), 1.0, name="jet")
    with pytest.raises(ValueError, match=r"\(2, 2, 2\).*\(h, w\)"):
        overlay(IMAGE, np.ones((2, 2, 2)), 1.0)
