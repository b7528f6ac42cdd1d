"""Draw the weights of a kernel as small pictures of its filters.

A filter has one slice per input channel. A single slice is drawn directly. Several slices are
summarized by the pattern that they share most, their first principal component.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.feature_maps import select_channels

MAX_INPUTS = 256
"""The number of inputs that a matrix of weights shows."""

_MAX_ROWS = 64  # inputs of a filter over a sequence


@dataclass(frozen=True)
class Kernel:
    """The filters of one kernel as tiles.

    Attributes:
        tiles: `(tiles, height, width)`, weights with their sign, in the layer's own unit.
        weights: `(tiles, weights)`, all the weights that each tile stands for.
        channels: The filter that each tile shows; empty if the one tile is a matrix of all.
        total: How many filters the layer has.
        title: What the tiles are, in one line.
        variant: Empty, or `"pointwise"`: the second kernel of a separable convolution.
        shares: `(tiles,)`, if tiles are principal components: the share of the squares of the
            filter's weights that each holds, NaN if that is undefined.
        colors: `(tiles, height, width, 3)`, the weights on three input channels side by side.
    """

    tiles: Floats
    weights: Floats
    channels: list[int]
    total: int
    title: str
    variant: str = ""
    shares: Floats | None = None
    colors: Floats | None = None

    @property
    def largest(self) -> float:
        """Return the largest finite absolute weight."""
        finite = self.weights[np.isfinite(self.weights)]
        return float(np.abs(finite).max(initial=0.0))

    def shown_in_color(self, scale: float | None = None) -> Floats:
        """Return weights on three inputs as colors: `0.5 + w / (2 scale)`, clipped to 0 to 1.

        Args:
            scale: The weight that is full color; the layer's largest unless given. Gray 0.5 is
                zero. What is not finite is NaN. Defaults to None.

        Raises:
            TbvizError: If the layer does not have three input channels.
        """
        if self.colors is None:
            msg = f"received {self.title}; expected weights on three input channels; draw the tiles"
            raise TbvizError(msg)
        scale = self.largest if scale is None else scale
        with np.errstate(invalid="ignore"):
            shown = 0.5 + self.colors.astype(np.float64) / (2 * scale if scale > 0 else 1.0)
        known = np.isfinite(self.colors)
        return np.where(known, np.clip(shown, 0, 1), np.nan).astype(np.float32)

    def moved(self, first: Kernel) -> npt.NDArray[np.float64]:
        """Return the relative change of each tile's filter: `|now - then| / |then|`.

        Args:
            first: The same kernel at an earlier snapshot.

        Returns:
            `(tiles,)`; 0 is no change, 1 a change as large as the filter; NaN if it was zero or is
            not finite.
        """
        now, then = self.weights.astype(np.float64), first.weights.astype(np.float64)
        with np.errstate(all="ignore"):
            return np.asarray(
                np.linalg.norm(now - then, axis=1) / _known(np.linalg.norm(then, axis=1))
            )

    def facing(self, former: Kernel) -> Kernel:
        """Return the same, each principal component with its sign at an earlier snapshot.

        Args:
            former: The same kernel at an earlier snapshot.
        """
        if self.shares is None or former.tiles.shape != self.tiles.shape:
            return self
        with np.errstate(all="ignore"):
            products = np.einsum("tij,tij->t", self.tiles, former.tiles, dtype=np.float64)
        signs = np.where(products < 0, -1, 1).astype(np.float32)
        return replace(self, tiles=self.tiles * signs[:, None, None])


def kernel_tiles(
    kernel: Floats, filters: int | Sequence[int], sort: str = "", groups: int = 1
) -> Kernel:
    """Return a kernel's filters as tiles: one matrix if they cover one pixel, or one per filter.

    Args:
        kernel: `(filters, inputs, ...)`, the rest being the size in space.
        filters: How many filters, or which.
        sort: What sort of kernel it is, for the title. Defaults to "".
        groups: In how many groups the filters share their inputs. Defaults to 1.

    Raises:
        TbvizError: If there is no such filter.
    """
    total, inputs, *size = kernel.shape
    channels = select_channels(total, filters)
    selected = kernel[channels]
    weights = selected.reshape(len(channels), -1)
    if max(size) == 1:
        return _matrix(weights, channels, total, sort)
    name = f"{sort} {' x '.join(map(str, size))} kernels" if len(size) > 1 else f"{sort} kernels"
    name += f" in {groups} groups" if groups > 1 else ""
    if len(size) == 1:
        name, rows = f"{name} of {size[0]} steps", "one step per column"
        if inputs > 1:
            rows += f", one input per row: {_count(inputs, _MAX_ROWS)}"
        title = _title(name, rows)
        return Kernel(selected[:, :_MAX_ROWS], weights, channels, total, title)
    depth = "depth from left to right" if len(size) == 3 else ""
    if inputs == 1:
        return Kernel(_flat(selected[:, 0]), weights, channels, total, _title(name, depth))
    patterns, shares = principal_slices(selected)
    return Kernel(
        _flat(patterns),
        weights,
        channels,
        total,
        _title(name, f"each the first principal component of its {inputs} input slices", depth),
        shares=shares,
        colors=np.moveaxis(selected, 1, -1) if inputs == 3 and len(size) == 2 else None,
    )


def _matrix(weights: Floats, channels: list[int], total: int, sort: str) -> Kernel:
    inputs = weights.shape[1]
    shown = weights[:, :MAX_INPUTS]
    rows = _count(total, len(channels))
    if channels != list(range(len(channels))):
        rows = f"filters {', '.join(map(str, channels))}"
    title = _title(
        f"{sort} 1 x 1 weights".strip(),
        f"one filter per row: {rows}",
        f"one input per column: {_count(inputs, MAX_INPUTS)}",
    )
    return Kernel(shown[np.newaxis], shown.reshape(1, -1), [], total, title)


def _count(total: int, limit: int) -> str:
    return f"all {total}" if total <= limit else f"the first {limit} of {total}"


def principal_slices(kernels: Floats) -> tuple[Floats, Floats]:
    """Return the pattern that the input slices of each filter share most.

    The first right singular vector of the slices, without subtracting their mean: the rank one
    kernel nearest to the filter in least squares (Eckart and Young 1936,
    https://doi.org/10.1007/BF02288367) has it in every slice.
    It has the length of the slices' root mean square along it, so that a filter whose slices are
    all equal gives that slice; and the sign of the slices' mean.

    Args:
        kernels: `(filters, inputs, ...)`.

    Returns:
        Patterns `(filters, ...)`, NaN for a filter with a weight that is not finite; and the
        share of the sum of squares of each filter that its pattern holds, `(filters,)`, NaN for
        zeros.
    """
    filters, inputs, *size = kernels.shape
    slices = kernels.reshape(filters, inputs, -1).astype(np.float64)
    known = np.asarray(np.isfinite(slices).all(axis=(1, 2)))
    slices = np.where(known[:, None, None], slices, 0.0)
    _, values, directions = np.linalg.svd(slices, full_matrices=False)
    first = directions[:, 0]
    signs = np.where(np.einsum("fip,fp->f", slices, first) < 0, -1.0, 1.0)
    patterns = first * (signs * values[:, 0] / np.sqrt(inputs))[:, None]
    patterns[~known] = np.nan
    with np.errstate(all="ignore"):
        shares = values[:, 0] ** 2 / _known((values**2).sum(axis=1))
    return (
        patterns.reshape(filters, *size).astype(np.float32),
        np.where(known, shares, np.nan).astype(np.float32),
    )


def _flat(patterns: Floats) -> Floats:
    """Lay `(filters, depth, height, width)` out with the depths side by side."""
    if patterns.ndim == 3:
        return np.ascontiguousarray(patterns)
    filters, depth, height, width = patterns.shape
    return np.moveaxis(patterns, 1, 2).reshape(filters, height, depth * width)


def _known(sizes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(np.isfinite(sizes) & (sizes > 0), sizes, np.nan)


def _title(*parts: str) -> str:
    text = ", ".join(filter(None, parts)).strip()
    return text[:1].upper() + text[1:]
