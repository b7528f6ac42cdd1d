from __future__ import annotations

import numpy as np
import pytest

from tbviz.images.colormaps import (
    COLORMAPS,
    NAN_COLOR,
    NEG_INF_COLOR,
    POS_INF_COLOR,
    colorize,
    colormap,
)

LEVEL = np.array([0, 126, 252], np.uint8)


def gray(levels, lo, hi, low, high):
    """The gray values of levels."""
    rgb = colorize(np.asarray(levels, np.uint8), lo, hi, low, high, "gray")
    assert (rgb == rgb[..., :1]).all()
    return rgb[..., 0].tolist()


def oklab(rgb):
    """sRGB bytes to Oklab (Björn Ottosson, 2020)."""
    share = rgb / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    to_cones = np.array(
        [
            [0.4122214708, 0.5363325363, 0.0514459929],
            [0.2119034982, 0.6806995451, 0.1073969566],
            [0.0883024619, 0.2817188376, 0.6299787005],
        ]
    )
    to_lab = np.array(
        [
            [0.2104542553, 0.7936177850, -0.0040720468],
            [1.9779984951, -2.4285922050, 0.4505937099],
            [0.0259040371, 0.7827717662, -0.8086757660],
        ]
    )
    return np.cbrt(linear @ to_cones.T) @ to_lab.T


def test_the_maps_are_read_only_tables_of_256_colors():
    assert set(COLORMAPS) == {"gray", "viridis", "turbo", "balance"}
    for table in COLORMAPS.values():
        assert table.shape == (256, 3)
        assert table.dtype == np.uint8
        assert not table.flags.writeable
    assert (COLORMAPS["gray"] == np.arange(256)[:, np.newaxis]).all()


def test_published_colors():
    # matplotlib: viridis(0) = #440154, viridis(1.0) = #fde725; Mikhailov's table: first and last.
    assert COLORMAPS["viridis"][[0, 255]].tolist() == [[0x44, 0x01, 0x54], [0xFD, 0xE7, 0x25]]
    assert COLORMAPS["turbo"][[0, 255]].tolist() == [[48, 18, 59], [122, 4, 3]]


def test_neighboring_colors_differ_little():
    for name, table in COLORMAPS.items():
        assert np.abs(np.diff(table.astype(int), axis=0)).max() <= 9, name


def test_viridis_gets_steadily_lighter():
    assert (np.diff(oklab(COLORMAPS["viridis"])[:, 0]) > -1e-3).all()


def test_balance_is_the_curve_that_its_table_names():
    share = (2 * np.arange(256) - 255) / 255
    chroma = 0.15 * np.sin(0.78 * np.pi * np.abs(share))
    hue = np.deg2rad(np.where(share < 0, 258, 27))
    curve = np.stack([0.97 - 0.6 * np.abs(share), chroma * np.cos(hue), chroma * np.sin(hue)], 1)
    # Bytes are rounded by half of one, which is at most 0.004 in Oklab for dark colors.
    assert np.abs(oklab(COLORMAPS["balance"]) - curve).max() < 0.004


def test_balance_is_blue_below_red_above_with_symmetric_lightness():
    table = COLORMAPS["balance"].astype(int)
    lightness = oklab(COLORMAPS["balance"])[:, 0]
    assert np.abs(lightness - lightness[::-1]).max() < 0.006
    assert (np.diff(lightness[:128]) > 0).all()
    assert (table[:126, 2] > table[:126, 0]).all()
    assert (table[130:, 0] > table[130:, 2]).all()
    assert np.ptp(table[127:129], axis=1).max() <= 2
    assert table[127:129].min() > 240


def test_nonfinite_values_have_colors_unlike_any_finite_value():
    odd = np.array([NAN_COLOR, POS_INF_COLOR, NEG_INF_COLOR])
    for name, table in COLORMAPS.items():
        distance = np.linalg.norm(table[:, np.newaxis].astype(float) - odd, axis=2)
        assert distance.min() > 60, name
    assert np.linalg.norm(odd[0] - odd[1]) > 60


def test_colorize_by_hand():
    # 0, 0.5, 1 shown from 0 to 1: 0.5 * 255 + 0.5 = 128.
    assert gray(LEVEL, 0, 1, 0, 1) == [0, 128, 255]
    # The same tile shown up to 2, and from 0.5: cut below.
    assert gray(LEVEL, 0, 1, 0, 2) == [0, 64, 128]
    assert gray(LEVEL, 0, 1, 0.5, 1) == [0, 0, 255]
    # -1, 0, 1 over -2 to 2: zero falls between the two middle colors, and is rounded up.
    assert gray(LEVEL, -1, 1, -2, 2) == [64, 128, 191]


def test_no_extent_is_drawn_in_the_lowest_color():
    assert gray(LEVEL, 3, 3, 3, 3) == [0, 0, 0]
    assert gray(LEVEL, 0, 1, 1, 0) == [0, 0, 0]
    for bound in (np.nan, np.inf, -np.inf):
        assert gray(LEVEL, 0, 1, bound, 1) == [0, 0, 0]
        assert gray(LEVEL, 0, 1, 0, bound) == [0, 0, 0]


def test_a_constant_tile_is_drawn_where_it_lies_in_the_range():
    assert gray([0], 0.5, 0.5, 0, 1) == [128]


def test_special_levels_have_colors_of_their_own():
    rgb = colorize(np.array([253, 254, 255], np.uint8), 0, 1, 0, 1, "viridis")
    assert rgb.tolist() == [list(NEG_INF_COLOR), list(POS_INF_COLOR), list(NAN_COLOR)]
    assert colorize(np.array([7], np.uint8), np.nan, np.nan, 0, 1).tolist() == [list(NAN_COLOR)]
    assert colorize(np.array([255], np.uint8), 0, 1, 5, 5).tolist() == [list(NAN_COLOR)]


def test_each_tile_has_its_own_range():
    levels = np.full((2, 1, 1), 252, np.uint8)
    assert gray(levels, [0, 0], [1, 0.5], 0, 1) == [[[255]], [[128]]]
    # And may be shown in its own.
    assert gray(levels, [0, 0], [1, 0.5], [0, 0], [1, 0.5]) == [[[255]], [[255]]]
    assert gray(levels, 0, 1, [0, 0], [1, 2]) == [[[255]], [[128]]]


def test_the_limits_of_float64_overflow_nowhere():
    assert gray(LEVEL, -3e38, 3e38, -1.7e308, 1.7e308) == [0, 0, 0]
    assert gray(LEVEL, -3e38, 3e38, -3e38, 3e38)[2] == 255
    assert gray(LEVEL, -3e38, 3e38, 0, 5e-324) == [0, 0, 255]


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"'jet'; expected one of gray, viridis, turbo, balance"):
        colormap("jet")
    with pytest.raises(ValueError, match="one range"):
        colorize(np.zeros((3, 2, 2), np.uint8), [0, 0], [1, 1], 0, 1)
