from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbviz.arrays.resample import area_average, enlarge, reduced_size, resize


def test_three_pixels_to_two_share_the_middle_one():
    # Each cell is 1.5 pixels wide: (1 + 0.5 * 4) / 1.5 = 2, (0.5 * 4 + 10) / 1.5 = 8.
    assert area_average([[1.0, 4.0, 10.0]], limit=2) == pytest.approx(np.array([[2.0, 8.0]]))
    # Columns alike: a square of 3 x 3 has cells of 1.5 x 1.5.
    square = np.outer([1.0, 4.0, 10.0], [1.0, 1.0, 1.0])
    assert area_average(square, limit=2) == pytest.approx(np.array([[2.0, 2.0], [8.0, 8.0]]))


def test_four_pixels_to_two_are_means_of_two():
    maps = np.arange(16.0).reshape(4, 4)
    assert area_average(maps, limit=2).tolist() == [[2.5, 4.5], [10.5, 12.5]]


def test_small_maps_come_back_as_they_are():
    maps = np.random.default_rng(0).normal(size=(3, 64, 20)).astype(np.float32)
    assert np.array_equal(area_average(maps, limit=64), maps)


@pytest.mark.parametrize(
    ("size", "expected"),
    [((224, 224), (64, 64)), ((128, 32), (64, 16)), ((30, 65), (30, 64)), ((1000, 3), (64, 1))],
)
def test_the_aspect_ratio_is_preserved(size, expected):
    assert reduced_size(*size, limit=64) == expected
    assert area_average(np.zeros((2, *size)), limit=64).shape == (2, *expected)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.integers(1, 12),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
)
def test_a_constant_stays_exactly_constant(height, width, limit, value):
    maps = np.full((2, height, width), value, np.float32)
    assert (area_average(maps, limit) == np.float32(value)).all()


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 12), st.integers(0, 99))
def test_the_mean_is_preserved_and_nothing_leaves_the_range(height, width, limit, seed):
    maps = np.random.default_rng(seed).normal(5, 3, (height, width)).astype(np.float32)
    reduced = area_average(maps, limit)
    assert reduced.mean() == pytest.approx(maps.mean(dtype=float), abs=1e-5)
    assert maps.min() - 1e-5 <= reduced.min() <= reduced.max() <= maps.max() + 1e-5


def test_what_is_not_finite_spoils_only_the_cells_it_touches():
    # 7 pixels in 3 cells of 7/3: pixel 2 lies under cells 0 and 1, pixel 6 under cell 2 alone.
    maps = np.ones((1, 7), np.float32)
    maps[0, 2] = np.nan
    assert np.isnan(area_average(maps, 3)).tolist() == [[True, True, False]]
    assert area_average(maps, 3)[0, 2] == 1
    maps[0, 2], maps[0, 6] = np.inf, -np.inf
    assert area_average(maps, 3).tolist() == [[np.inf, np.inf, -np.inf]]
    maps[0, 0] = -np.inf
    reduced = area_average(maps, 3)[0]
    assert np.isnan(reduced[0])
    assert reduced[1:].tolist() == [np.inf, -np.inf]
    # The first pixel is where distances are measured from; it must not spoil the rest.
    maps = np.full((70, 70), 2.0)
    maps[0, 0] = np.nan
    reduced = area_average(maps, 33)
    assert np.isnan(reduced[0, 0])
    assert np.isnan(reduced).sum() == 1
    assert np.nanmin(reduced) == np.nanmax(reduced) == 2


def test_a_nonfinite_map_leaves_the_other_maps_alone():
    maps = np.random.default_rng(0).normal(size=(3, 20, 20)).astype(np.float32)
    broken = maps.copy()
    broken[1] = np.nan
    assert np.array_equal(area_average(maps, 8)[[0, 2]], area_average(broken, 8)[[0, 2]])


def test_the_limits_of_float32_overflow_nowhere():
    largest = float(np.finfo(np.float32).max)
    assert area_average([[largest, -largest]], limit=1).tolist() == [[0.0]]
    assert area_average([[largest, largest]], limit=1).tolist() == [[largest]]


def test_no_maps_are_no_maps():
    assert area_average(np.zeros((0, 90, 45)), limit=30).shape == (0, 30, 15)


def test_pixel_centers_lie_at_halves():
    # Four pixels over two: centers at 1/8, 3/8, 5/8, 7/8 of the map; edges are held.
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
def test_an_enlarged_constant_stays_exactly_constant(value, height, width):
    assert (enlarge(np.full((height, width), value), (13, 17)) == value).all()


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 30), st.integers(0, 30))
def test_enlarging_is_pillows(height, width, more_rows, more_columns):
    small = np.random.default_rng(height * 7 + width).normal(size=(height, width))
    size = (height + more_rows, width + more_columns)
    image = Image.fromarray(small.astype(np.float32))
    theirs = np.asarray(image.resize(size[::-1], Image.Resampling.BILINEAR))
    assert np.abs(enlarge(small, size) - theirs).max() < 1e-5


def test_enlarging_what_is_not_finite_spoils_only_what_it_touches():
    large = enlarge([[0.0, 0.0, np.nan]], (1, 6))[0]
    assert np.isnan(large).tolist() == [False, False, False, True, True, True]


def test_many_maps_are_enlarged_as_each_alone():
    maps = np.random.default_rng(0).normal(size=(2, 3, 4, 5))
    large = enlarge(maps, (9, 8))
    assert large.shape == (2, 3, 9, 8)
    assert np.array_equal(large[1, 2], enlarge(maps[1, 2], (9, 8)))


def test_resizing_averages_the_side_that_shrinks_and_stretches_the_other():
    maps = np.array([[[0.0, 2.0, 4.0, 6.0]]])
    assert resize(maps, (1, 2)).tolist() == [[[1.0, 5.0]]]
    assert resize(maps, (2, 2)).tolist() == [[[1.0, 5.0], [1.0, 5.0]]]
    assert resize([[0.0, 1.0], [0.0, 3.0]], (1, 4)).tolist() == [[0.0, 0.5, 1.5, 2.0]]


def test_wrong_input_is_refused():
    for maps, limit in [(np.zeros(3), 2), (np.zeros((0, 3)), 2), (np.zeros((3, 3)), 0)]:
        with pytest.raises(ValueError, match=r"\(\.\.\., height, width\)"):
            area_average(maps, limit)
    with pytest.raises(TypeError, match="complex"):
        area_average(np.zeros((3, 3), complex), 2)
    for change, maps, size in [(resize, np.zeros(3), (1, 1)), (enlarge, np.ones((2, 2)), (0, 4))]:
        with pytest.raises(ValueError, match=rf"{change.__name__} received .*\(\.\.\., h, w\)"):
            change(maps, size)
