from __future__ import annotations

import numpy as np
import pytest

from tbviz.images import render
from tbviz.images.colormaps import COLORMAPS, NAN_COLOR

VIRIDIS, BALANCE = COLORMAPS["viridis"], COLORMAPS["balance"]


def pixel(image, column, row):
    return np.asarray(image)[row, column].tolist()


def test_channels_of_an_image_are_a_grid_by_hand():
    maps = np.zeros((1, 1, 3))
    maps[0, 0] = 0, 5, 10
    image = render.channels(maps, columns=2, size=4)
    assert image.size == (4 + 2 + 4, 4 + 2 + 4)
    assert pixel(image, 0, 0) == VIRIDIS[0].tolist()
    assert pixel(image, 9, 3) == VIRIDIS[128].tolist()
    assert pixel(image, 3, 9) == VIRIDIS[255].tolist()
    assert pixel(image, 4, 0) == pixel(image, 9, 9) == [255] * 3  # the gap, and the empty cell


def test_each_tile_may_have_a_range_of_its_own():
    values = np.array([[[0.0, 1.0]], [[0.0, 100.0]]])
    together = render.tiles(values, size=2)
    assert pixel(together, 1, 0) == VIRIDIS[3].tolist()
    alone = render.tiles(values, size=2, bounds="tile")
    assert pixel(alone, 1, 0) == pixel(alone, 5, 0) == VIRIDIS[255].tolist()
    typed = render.tiles(values, size=2, bounds=(0, 2))
    assert pixel(typed, 1, 0) == VIRIDIS[128].tolist()


def test_signed_tiles_have_zero_in_the_middle():
    image = render.tiles([[[-1.0, 0.0, 4.0]]], size=3, signed=True)
    assert pixel(image, 1, 0) in (BALANCE[127].tolist(), BALANCE[128].tolist())
    assert pixel(image, 2, 0) == BALANCE[255].tolist()
    assert pixel(image, 0, 0) == BALANCE[96].tolist()  # floor(3 / 8 * 255 + 0.5)


@pytest.mark.parametrize("value", [0.0, 3.0, np.nan, np.inf])
@pytest.mark.parametrize("bounds", ["all", "tile"])
def test_flat_and_nonfinite_tiles_are_one_color(value, bounds):
    image = np.asarray(render.tiles(np.full((1, 4, 4), value), bounds=bounds))
    assert len(np.unique(image.reshape(-1, 3), axis=0)) == 1
    if np.isnan(value):
        assert image[0, 0].tolist() == list(NAN_COLOR)


def test_titles_stand_over_their_tiles_and_are_cut_to_them():
    values = np.zeros((2, 40, 40))
    image = render.tiles(values, titles=["short", "much too long for a tile"], size=40)
    assert image.size == (82, 56)
    ink = np.asarray(image)[:16].min(axis=2) < 200
    assert ink[:, :40].any()
    assert ink[:, 42:].any()
    assert not ink[:, 40:42].any()
    with pytest.raises(
        ValueError, match="received 1 titles for 2 tiles; expected one title per tile"
    ):
        render.tiles(values, titles=["one"])


def test_colors_and_overlays():
    red = np.zeros((2, 2, 2, 3))
    red[..., 0] = 1
    assert pixel(render.colors(red, size=2), 0, 0) == [255, 0, 0]
    assert pixel(render.colors(red * 255, bounds=None, size=2), 0, 0) == [255, 0, 0]
    maps = np.array([[[0.0, 2.0]], [[0.0, 0.0]]])
    laid = render.overlays(red, maps, size=2)
    assert pixel(laid, 1, 0) != [255, 0, 0]
    assert pixel(laid, 4, 0) == pixel(laid, 5, 1) == [255, 0, 0]  # a map of zeros is not stretched
    assert pixel(render.overlays(red, maps * np.nan, size=2), 1, 1) == [255, 0, 0]


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2\).*\(height, width, channels\)"):
        render.channels(np.zeros((2, 2)))
    with pytest.raises(ValueError, match=r"shape \(2, 2\).*\(n, height, width\)"):
        render.tiles(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="bounds 'some'"):
        render.tiles(np.zeros((1, 2, 2)), bounds="some")
    with pytest.raises(ValueError, match="for 2 images"):
        render.overlays(np.zeros((2, 2, 2, 3)), np.zeros((1, 2, 2)))
