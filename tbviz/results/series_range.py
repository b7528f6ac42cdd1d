"""(a series) => the values that its colors span over the whole run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tbviz.store.format.six_digits import nearest
from tbviz.store.read.sheet_columns import Span, union

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from tbviz.store.read.segment import SegmentReader
    from tbviz.store.read.sheet_columns import SheetColumns

SERIES_DIGITS = 3
"""Digits of the values of a series in a long list: enough to draw them over time."""


def percentiles(parts: Sequence[tuple[int, SegmentReader, SheetColumns]]) -> Span | None:
    """Return the least 0.5 and the greatest 99.5 percentile of all sheets of a series."""
    return union([columns.percentiles for _, _, columns in parts])


def extremes(parts: Sequence[tuple[int, SegmentReader, SheetColumns]]) -> Span | None:
    """Return the least and the greatest finite value of all sheets of a series."""
    return union([columns.range for _, _, columns in parts])


def maximum(
    parts: Sequence[tuple[int, SegmentReader, SheetColumns]], *, outliers: bool, signed: bool
) -> float:
    """Return the greatest value that maps of a series reach, with the digits that a page gets.

    Args:
        parts: The series.
        outliers: Whether the extreme half per cent of a sheet counts.
        signed: Whether values below zero count by their magnitude.

    Returns:
        The value, minus infinity if nothing is finite.
    """
    upper, lower = ("hi", "lo") if outliers else ("q", "p")
    reached = [-np.inf]
    for _, _, columns in parts:
        if not columns.gray:
            continue
        rows = columns.table()
        reached.append(_greatest(rows[upper]))
        if signed:
            reached.append(_greatest(-rows[lower]))
    return max(reached)


def _greatest(values: NDArray[np.float32]) -> float:
    finite = values[np.isfinite(values)]
    return nearest(finite.max(keepdims=True), SERIES_DIGITS)[0] if finite.size else -np.inf
