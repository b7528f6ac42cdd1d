from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tbviz.images.ranges import (
    LEVELS,
    dequantize,
    quantize,
    quantize_tiles,
    summary,
)

MAX_FLOAT32 = float(np.finfo(np.float32).max)
shapes = npst.array_shapes(min_dims=3, max_dims=3, max_side=5)
finite = npst.arrays(np.float32, shapes, elements=st.floats(-(2.0**100), 2.0**100, width=32))
anything = npst.arrays(np.float32, shapes, elements=st.floats(width=32))


def ulp(lo, hi):
    """Return at least one unit in the last place of any float32 within the ranges."""
    return np.maximum(np.abs(lo), np.abs(hi)).astype(float) * 2.0**-23 + 2.0**-149


def test_the_ends_of_a_positive_tile_are_its_least_and_greatest_value():
    levels, lo, hi = quantize(np.array([[1.0, 2.0], [3.0, 64.0]]))
    assert (lo, hi) == (1.0, 64.0)
    # A step is 63 / 252 = 0.25.
    assert levels.tolist() == [[0, 4], [8, 252]]
    assert levels.dtype == np.uint8


def test_zero_is_a_level_where_the_tile_has_both_signs():
    # A step is (250 + 1) / 251 = 1; one lies below zero, so 251 lie above it.
    levels, lo, hi = quantize(np.array([[-1.0, 0.0, 250.0]]))
    assert (lo, hi) == (-1.0, 251.0)
    assert levels.tolist() == [[0, 1, 251]]
    assert dequantize(levels, lo, hi).tolist() == [[-1.0, 0.0, 250.0]]


def test_zero_at_an_end_stays_exactly_zero():
    for tile in ([[0.0, 0.3]], [[-0.3, 0.0]]):
        assert 0.0 in dequantize(*quantize(np.array(tile)))


def test_a_constant_tile_is_level_0_of_an_empty_range():
    levels, lo, hi = quantize(np.full((2, 2), 0.1, np.float32))
    assert (lo, hi) == (float(np.float32(0.1)),) * 2
    assert not levels.any()
    assert (dequantize(levels, lo, hi) == np.float32(0.1)).all()


def test_what_is_not_finite_has_levels_of_its_own():
    levels, lo, hi = quantize(np.array([[np.nan, np.inf], [-np.inf, 5.0]]))
    assert levels.tolist() == [[255, 254], [253, 0]]
    assert (lo, hi) == (5.0, 5.0)


def test_a_tile_without_a_finite_value_has_no_range():
    levels, lo, hi = quantize(np.array([[np.nan, np.inf, -np.inf]]))
    assert levels.tolist() == [[255, 254, 253]]
    assert np.isnan([lo, hi]).all()
    assert np.array_equal(
        dequantize(levels, lo, hi),
        np.array([[np.nan, np.inf, -np.inf]], np.float32),
        equal_nan=True,
    )


def test_nonfinite_tiles_leave_their_neighbors_alone():
    tiles = np.arange(24, dtype=np.float32).reshape(4, 2, 3)
    broken = tiles.copy()
    broken[1, 0, 0] = np.nan
    broken[2] = np.inf
    levels, lo, hi = quantize_tiles(tiles)
    broken_levels, broken_lo, broken_hi = quantize_tiles(broken)
    assert np.array_equal(levels[[0, 3]], broken_levels[[0, 3]])
    assert np.array_equal(lo[[0, 3]], broken_lo[[0, 3]])
    assert np.array_equal(hi[[0, 3]], broken_hi[[0, 3]])
    # Without its 6 the tile runs from 7 to 11.
    assert (broken_lo[1], broken_hi[1]) == (7, 11)
    assert broken_levels[1].tolist() == [[255, 0, 63], [126, 189, 252]]


def test_the_input_is_not_written_to():
    tiles = np.array([[[np.nan, -1.0, 2.0]]], np.float32)
    tiles.flags.writeable = False
    quantize_tiles(tiles)
    summary(tiles)


@given(finite)
def test_levels_are_within_half_a_step_and_values_within_the_range(tiles):
    levels, lo, hi = quantize_tiles(tiles)
    assert lo.dtype == hi.dtype == np.float32
    assert levels.max() <= LEVELS
    step = (hi.astype(float) - lo)[:, np.newaxis, np.newaxis] / LEVELS
    spare = ulp(lo, hi)[:, np.newaxis, np.newaxis]
    error = np.abs(dequantize(levels, lo, hi).astype(float) - tiles)
    assert (error <= step * 0.5001 + spare).all()
    assert (lo <= tiles.min(axis=(1, 2))).all()
    assert (hi >= tiles.max(axis=(1, 2))).all()


@given(finite)
@example(np.array([[[-112 * 2.0**-149, 2.0**-149]]], np.float32))
def test_the_range_grows_by_less_than_one_step_at_an_end(tiles):
    _, lo, hi = quantize_tiles(tiles)
    step = (hi.astype(float) - lo) / LEVELS
    assert (tiles.min(axis=(1, 2)) - lo.astype(float) <= step).all()
    # The step is rounded up to 16 bits, and to a number that float32 has: 2 ** -149 is the least.
    # Each of the 252 steps of the range grows by that.
    rounding = np.maximum(step / 2**15, np.where(step > 0, 2.0**-149, 0))
    assert (hi - tiles.max(axis=(1, 2)).astype(float) <= step + LEVELS * rounding).all()


def test_steps_of_the_smallest_float32_leave_levels_unused_but_keep_every_value():
    # 113 units need a step of 113 / 251 units, and float32 has no part of a unit.
    unit = 2.0**-149
    tile = np.array([[-112 * unit, 0, unit]], np.float32)
    levels, lo, hi = quantize(tile)
    assert (lo / unit, hi / unit) == (-112, 140)
    assert levels.tolist() == [[0, 112, 113]]
    assert np.array_equal(dequantize(levels, lo, hi), tile)


@given(finite)
def test_zeros_come_back_as_zeros(tiles):
    tiles[:, 0, 0] = 0
    assert not dequantize(*quantize_tiles(tiles))[tiles == 0].any()


@given(finite)
def test_levels_keep_the_order_of_values(tiles):
    levels, _, _ = quantize_tiles(tiles)
    for tile, of_tile in zip(tiles, levels, strict=True):
        ordered = of_tile.ravel()[np.argsort(tile.ravel())].astype(int)
        assert (np.diff(ordered) >= 0).all()


@given(anything)
def test_any_float32_comes_back_near_and_what_is_not_finite_as_it_was(tiles):
    levels, lo, hi = quantize_tiles(tiles)
    back = dequantize(levels, lo, hi)
    odd = ~np.isfinite(tiles)
    assert np.array_equal(back[odd], tiles[odd], equal_nan=True)
    assert np.isfinite(back[~odd]).all()
    step = np.broadcast_to((hi.astype(float) - lo)[:, np.newaxis, np.newaxis] / LEVELS, tiles.shape)
    spare = np.broadcast_to(ulp(lo, hi)[:, np.newaxis, np.newaxis], tiles.shape)
    error = np.abs(back[~odd].astype(float) - tiles[~odd])
    assert (error <= 0.5001 * step[~odd] + spare[~odd]).all()
    finite = ~np.isnan(lo)
    least = np.where(odd, np.inf, tiles).min(axis=(1, 2))
    greatest = np.where(odd, -np.inf, tiles).max(axis=(1, 2))
    assert (lo[finite] <= least[finite]).all()
    assert (hi[finite] >= greatest[finite]).all()


@pytest.mark.parametrize(
    "tile", [[[-MAX_FLOAT32, 0, MAX_FLOAT32]], [[-1, 0, MAX_FLOAT32]], [[1e-45, 3e-45]]]
)
def test_the_limits_of_float32_overflow_nowhere(tile):
    values = np.array(tile, np.float32)
    levels, lo, hi = quantize(values)
    assert np.isfinite([lo, hi]).all()
    # Where the range cannot be widened, zero is nearly a level.
    assert np.abs(dequantize(levels, lo, hi) - values.astype(float)).max() <= 0.51 * (hi - lo) / 252
    assert np.isfinite(summary(values)).all()


def test_what_float32_cannot_hold_counts_as_infinite():
    levels, lo, hi = quantize(np.array([[1e300, -1e300, 2.0]]))
    assert levels.tolist() == [[254, 253, 0]]
    assert (lo, hi) == (2.0, 2.0)


@pytest.mark.parametrize("dtype", [np.float16, np.float64, np.int64, np.uint8, np.bool_])
def test_any_real_type_is_taken(dtype):
    levels, lo, hi = quantize(np.array([[0, 1]], dtype))
    assert levels.tolist() == [[0, 252]]
    assert (lo, hi) == (0.0, 1.0)


def test_no_tiles_are_no_levels():
    levels, lo, hi = quantize_tiles(np.zeros((0, 2, 2)))
    assert levels.shape == (0, 2, 2)
    assert lo.shape == hi.shape == (0,)


def test_wrong_input_is_refused_with_what_came_and_what_fits():
    with pytest.raises(ValueError, match=r"\(2, 2, 2\).*quantize_tiles"):
        quantize(np.zeros((2, 2, 2)))
    with pytest.raises(ValueError, match=r"\(3, 0, 4\).*at least one pixel"):
        quantize_tiles(np.zeros((3, 0, 4)))
    with pytest.raises(TypeError, match="complex128"):
        quantize(np.zeros((2, 2), complex))
    with pytest.raises(ValueError, match="one range"):
        dequantize(np.zeros((3, 2, 2), np.uint8), np.zeros(2), np.ones(2))


def test_summary_by_hand():
    # 201 values 0, 1 ... 200: the percentiles 0.5 and 99.5 lie on the second and last but one.
    values = np.random.default_rng(0).permutation(201)
    assert summary(values) == (0.0, 200.0, 1.0, 199.0)
    # Of two values, the percentiles lie between them.
    assert summary([0.0, 1000.0]) == (0.0, 1000.0, pytest.approx(5.0), pytest.approx(995.0))
    assert summary([3.5]) == (3.5,) * 4


def test_summary_leaves_out_what_is_not_finite():
    values = np.arange(201, dtype=np.float32)
    broken = np.concatenate([values, [np.nan, np.inf, -np.inf]])
    assert summary(broken) == summary(values)
    assert np.isnan(summary([np.nan, np.inf])).all()
    assert np.isnan(summary(np.zeros((0, 3)))).all()


@given(npst.arrays(np.float32, st.integers(1, 500), elements=st.floats(-1e6, 1e6, width=32)))
def test_summary_is_numpys(values):
    wide = values.astype(float)
    expected = (wide.min(), wide.max(), *np.percentile(wide, [0.5, 99.5]))
    assert np.allclose(summary(values), expected, rtol=1e-12, atol=1e-12)
