from __future__ import annotations

import numpy as np
import pytest

from tbviz.arrays.principal import principal_axes

RANDOM = np.random.default_rng(0)


def test_axes_of_points_on_a_line_by_hand():
    # Along (3, 4) / 5 from -5 to 5: all of the variance, and no second axis.
    points = np.linspace(-1, 1, 101)[:, None] * np.array([3.0, 4.0])
    axes = principal_axes(points + 7)
    assert axes.mean == pytest.approx(np.array([7, 7]))
    assert axes.directions == pytest.approx(np.array([[0.6, 0.8]]))
    assert axes.share == pytest.approx(np.array([1.0]))
    assert (axes.low[0], axes.high[0]) == pytest.approx((-4.9, 4.9))
    colors = axes.colors(np.array([[7.0, 7.0], [7 + 3, 7 + 4], [7 - 3, 7 - 4]]))
    assert colors == pytest.approx(np.array([[0.5, 0.5, 0.5], [1, 0.5, 0.5], [0, 0.5, 0.5]]))


def test_the_axes_are_numpys_singular_vectors():
    vectors = RANDOM.normal(size=(400, 6)) @ np.diag([5, 3, 2, 1, 0.5, 0.1])
    axes = principal_axes(vectors)
    _, singular, rows = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    assert np.abs((axes.directions * rows[:3]).sum(1)) == pytest.approx(1)
    assert axes.share == pytest.approx((singular**2 / (singular**2).sum())[:3])
    farthest = np.abs(axes.directions).argmax(1)
    assert (axes.directions[range(3), farthest] > 0).all()


def test_equal_vectors_have_equal_axes_and_colors_in_any_shape():
    vectors = RANDOM.normal(size=(3, 5, 7, 4)).astype(np.float32)
    one, other = principal_axes(vectors), principal_axes(vectors.copy())
    assert np.array_equal(one.directions, other.directions)
    colors = one.colors(vectors)
    assert colors.shape == (3, 5, 7, 3)
    assert colors.dtype == np.float32
    assert np.array_equal(colors[1], one.colors(vectors[1]))
    assert 0 <= colors.min() < 0.05
    assert 0.95 < colors.max() <= 1


@pytest.mark.parametrize("value", [0.0, 3.0, 1e30, np.nan, np.inf])
def test_what_does_not_vary_has_no_axes_and_one_color(value):
    vectors = np.full((4, 4, 5), value)
    axes = principal_axes(vectors)
    assert len(axes.directions) == 0
    expected = 0.5 if np.isfinite(value) else 0
    assert (axes.colors(vectors) == expected).all()


def test_what_is_not_finite_is_black_and_moves_no_axis():
    vectors = RANDOM.normal(size=(50, 3))
    broken = np.concatenate([vectors, [[np.nan, 0, 0], [0, np.inf, 0]]])
    axes = principal_axes(broken)
    assert np.array_equal(axes.directions, principal_axes(vectors).directions)
    assert (axes.colors(broken)[-2:] == 0).all()


def test_large_numbers_overflow_nowhere():
    axes = principal_axes(RANDOM.normal(size=(50, 3)) * 1e200)
    assert len(axes.directions) == 3
    assert np.isfinite(axes.colors(RANDOM.normal(size=(50, 3)) * 1e200)).all()


def test_other_channels_are_refused():
    with pytest.raises(ValueError, match=r"\(2, 5\).*\(\.\.\., 3\)"):
        principal_axes(RANDOM.normal(size=(50, 3))).colors(np.zeros((2, 5)))
