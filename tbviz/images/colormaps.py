"""Color levels: from levels, the range of each tile and the range to show, to RGB pixels.

The page computes the same colors by the same rule; `tests/golden/vectors.json` tests both. The
range to show is not the tile's own: with one range for many tiles or snapshots, equal colors mean
equal values.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

import numpy as np

from tbviz.images import colormap_tables, ranges

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import ArrayLike, NDArray

# Far from every color of every map, so that NaN is never mistaken for a number.
NAN_COLOR: Final = (255, 0, 255)
POS_INF_COLOR: Final = (255, 150, 255)
NEG_INF_COLOR: Final = (0, 255, 255)


def _colors(digits: str) -> NDArray[np.uint8]:
    return np.frombuffer(bytes.fromhex(digits), np.uint8).reshape(256, 3)


COLORMAPS: Final[Mapping[str, NDArray[np.uint8]]] = MappingProxyType(
    {
        "gray": _colors("".join(f"{level:02x}" * 3 for level in range(256))),
        "viridis": _colors(colormap_tables.VIRIDIS),
        "turbo": _colors(colormap_tables.TURBO),
        "balance": _colors(colormap_tables.BALANCE),
    }
)
"""Name to 256 RGB colors, read-only. `balance` is for signed data: blue, near white, red."""


def colorize(
    levels: NDArray[np.uint8],
    lo: ArrayLike,
    hi: ArrayLike,
    low: ArrayLike,
    high: ArrayLike,
    name: str = "gray",
) -> NDArray[np.uint8]:
    """Color the levels of tiles by the values they stand for.

    In float64: `v = lo + (hi - lo) * level / 252`, `t = (v - low) / (high - low)` clipped to 0 to
    1, color number `floor(t * 255 + 0.5)` of the map. If `high - low` is not a positive finite
    number, `t` is 0: a range without extent is drawn in the lowest color. Levels 253 to 255, and
    a `v` that is not a number, have special colors.

    Args:
        levels: uint8 of any shape; `(n, height, width)` if a range is per tile.
        lo: Value of level 0, one number or one per tile.
        hi: Value of level 252, likewise.
        low: Value drawn in the first color, likewise.
        high: Value drawn in the last color, likewise.
        name: A key of `COLORMAPS`. Defaults to "gray".

    Returns:
        uint8 of the shape of `levels`, with a last axis of 3.

    Raises:
        ValueError: If there is no such color map, or not one range per tile.
    """
    colors = colormap(name)
    first = np.asarray(low, np.float64)[..., np.newaxis]
    last = np.asarray(high, np.float64)[..., np.newaxis]
    with np.errstate(over="ignore", invalid="ignore"):
        extent = last - first
        shown = (extent > 0) & np.isfinite(extent)
        values = ranges.level_values(lo, hi)
        share = (values - np.where(shown, first, 0.0)) / np.where(shown, extent, 1.0)
    table = pick(np.where(shown, share, 0.0), colors)
    table[..., ranges.POSITIVE_INFINITY, :] = POS_INF_COLOR
    table[..., ranges.NEGATIVE_INFINITY, :] = NEG_INF_COLOR
    table[np.broadcast_to(np.isnan(values), table.shape[:-1])] = NAN_COLOR
    return ranges.apply_table(table, levels)


def colormap(name: str) -> NDArray[np.uint8]:
    """Return the 256 colors of a map.

    Raises:
        ValueError: If there is no such map.
    """
    if name not in COLORMAPS:
        raise ValueError(f"received color map {name!r}; expected one of {', '.join(COLORMAPS)}")
    return COLORMAPS[name]


def pick(share: NDArray[np.float64], colors: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return the color at each share of a map; NaN counts as 0.

    Args:
        share: 0 for the first color, 1 for the last; clipped to 0 to 1.
        colors: 256 RGB colors.

    Returns:
        uint8 of the shape of `share`, with a last axis of 3.
    """
    indices = np.clip(np.nan_to_num(share, nan=0.0), 0.0, 1.0) * 255 + 0.5
    return colors[indices.astype(np.intp)]
