"""Draw the arrays of a method as one Pillow image, without a store or a page.

The arrays are passed by position, everything else by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tbviz.arrays.floats import as_float32
from tbviz.images.colormaps import colorize
from tbviz.images.display import display
from tbviz.images.overlay import overlay
from tbviz.images.ranges import quantize_tiles
from tbviz.images.sheet import arrange

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from tbviz.images.display import ValueBounds

_PAPER: Final = 255
_INK: Final = (60, 60, 60)
_GAP: Final = 2
_LETTERS: Final = 12
_LINE: Final = 16


def channels(
    maps: ArrayLike,
    *,
    columns: int = 16,
    bounds: ValueBounds | str = "all",
    colormap: str = "viridis",
    size: int = 64,
) -> Image.Image:
    """Draw the feature maps of one image as a grid.

    Args:
        maps: `(height, width, channels)`, as `tbviz.methods.activations` returns them for an image.
        columns: Maps per row. Defaults to 16.
        bounds: See `tiles`. Defaults to "all".
        colormap: See `tiles`. Defaults to "viridis".
        size: See `tiles`. Defaults to 64.

    Raises:
        ValueError: If the shape is different.

    Example:
        >>> maps = tbviz.methods.activations(model, x_val[:1], layers="conv1")["conv1"]
        >>> tbviz.render.channels(maps[0]).save("conv1.png")
    """
    array = np.asarray(maps)
    if array.ndim != 3:
        raise ValueError(
            f"received maps of shape {array.shape}; expected those of one image, (height, width, "
            "channels)"
        )
    return tiles(
        np.moveaxis(array, -1, 0), columns=columns, bounds=bounds, colormap=colormap, size=size
    )


def tiles(
    values: ArrayLike,
    *,
    columns: int = 16,
    bounds: ValueBounds | str = "all",
    colormap: str = "viridis",
    size: int = 64,
    titles: Sequence[str] | None = None,
    signed: bool = False,
) -> Image.Image:
    """Draw float tiles as a grid; values that are not finite have special colors.

    Args:
        values: `(n, height, width)`.
        columns: Tiles per row. Defaults to 16.
        bounds: Values of the first and the last color. `"all"` stands for the range of all tiles
            together, so that equal colors mean equal values; `"tile"` stands for the range of each
            tile. Defaults to "all".
        colormap: A key of `tbviz.images.colormaps.COLORMAPS`. Defaults to "viridis".
        size: Minimum side of a tile in pixels; small tiles are enlarged by whole factors. Defaults
            to 64.
        titles: A text above each tile. Defaults to None: no texts.
        signed: Whether zero is the middle of the range and of the colors, those of `balance`.
            Defaults to False.

    Raises:
        ValueError: If the shape is different, or there is no such color map or range.

    Example:
        >>> kernel = tbviz.methods.kernels(model, layers="conv1")["conv1"]
        >>> tbviz.render.tiles(kernel.tiles, signed=True).save("kernels.png")
    """
    array = as_float32(values)
    if array.ndim != 3 or 0 in array.shape:
        raise ValueError(f"received values of shape {array.shape}; expected (n, height, width)")
    low, high = _bounds(array, bounds)
    if signed:
        high = np.maximum(np.abs(low), np.abs(high))
        low, colormap = -high, "balance"
    levels, lo, hi = quantize_tiles(array)
    return grid(
        colorize(levels, lo, hi, low, high, colormap), columns=columns, size=size, titles=titles
    )


def colors(
    images: ArrayLike,
    *,
    columns: int = 16,
    bounds: ValueBounds | None = (0.0, 1.0),
    size: int = 64,
    titles: Sequence[str] | None = None,
) -> Image.Image:
    """Draw color tiles as a grid: maximizations, principal components, photographs.

    Args:
        images: `(n, height, width, 1 to 3)`.
        columns: Tiles per row. Defaults to 16.
        bounds: Values of black and white. None finds them from the images, as for photographs.
            Defaults to (0.0, 1.0).
        size: Minimum side of a tile in pixels. Defaults to 64.
        titles: A text above each tile. Defaults to None: no texts.

    Raises:
        ValueError: If the shape is different.

    Example:
        >>> found = tbviz.methods.maximize_filters(model, layers="conv3")["conv3"]
        >>> tbviz.render.colors(found.images, columns=4).save("conv3.png")
    """
    return grid(display(images, bounds)[0], columns=columns, size=size, titles=titles)


def overlays(
    images: ArrayLike,
    maps: ArrayLike,
    *,
    columns: int = 8,
    strength: float = 0.6,
    size: int = 128,
    titles: Sequence[str] | None = None,
) -> Image.Image:
    """Draw class activation maps over their images, each scaled by its own maximum.

    Args:
        images: `(n, height, width, channels)` in any usual range, which is found from them.
        maps: `(n, h, w)`, as `tbviz.methods.grad_cam` returns them. A map without a positive value
            leaves its image unchanged.
        columns: Images per row. Defaults to 8.
        strength: Opacity at the maximum of a map, 0 to 1. Defaults to 0.6.
        size: Minimum side of an image in pixels. Defaults to 128.
        titles: A text above each image. Defaults to None: no texts.

    Raises:
        ValueError: If there are not as many maps as images, or the shapes are different.

    Example:
        >>> cam = tbviz.methods.grad_cam(model, x_val[:4])
        >>> tbviz.render.overlays(x_val[:4], cam.maps).save("cam.png")
    """
    pictures = display(images)[0]
    heat = np.asarray(maps, np.float64)
    if heat.ndim != 3 or len(heat) != len(pictures):
        raise ValueError(
            f"received maps of shape {heat.shape} for {len(pictures)} images; expected one map per "
            "image, (n, h, w)"
        )
    greatest = np.where(np.isfinite(heat), heat, 0).max(axis=(1, 2), initial=0)
    laid = [
        overlay(image, cam, float(most), strength=strength)
        for image, cam, most in zip(pictures, heat, greatest, strict=True)
    ]
    return grid(np.stack(laid), columns=columns, size=size, titles=titles)


def _bounds(
    array: NDArray[np.float32], bounds: ValueBounds | str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if not isinstance(bounds, str):
        return np.asarray(bounds[0], np.float64), np.asarray(bounds[1], np.float64)
    if bounds not in {"all", "tile"}:
        raise ValueError(f"received bounds {bounds!r}; expected 'all', 'tile' or two numbers")
    axes = None if bounds == "all" else (1, 2)
    finite = np.isfinite(array)
    low = np.where(finite, array, np.inf).min(axis=axes).astype(np.float64)
    high = np.where(finite, array, -np.inf).max(axis=axes).astype(np.float64)
    nothing = low > high
    return np.where(nothing, 0, low), np.where(nothing, 0, high)


def grid(
    pixels: NDArray[np.uint8],
    *,
    columns: int = 16,
    size: int = 64,
    titles: Sequence[str] | None = None,
) -> Image.Image:
    """Arrange colored tiles in a grid.

    Args:
        pixels: The tiles, uint8 RGB of shape `(n, height, width, 3)`.
        columns: Tiles per row. Defaults to 16.
        size: Minimum side of a tile in pixels; small tiles are enlarged by whole factors. Defaults
            to 64.
        titles: A text above each tile. Defaults to None: no texts.

    Raises:
        ValueError: If there are not as many titles as tiles.

    Example:
        >>> run = tbviz.open_run("logs/run")
        >>> pixels = run.tiles("maximization", "conv3", -1)
        >>> pixels.shape
        (16, 32, 32, 3)
        >>> tbviz.render.grid(pixels, columns=4).save("conv3.png")
    """
    count, height, width = pixels.shape[:3]
    if titles is not None and len(titles) != count:
        raise ValueError(
            f"received {len(titles)} titles for {count} tiles; expected one title per tile"
        )
    factor = max(1, round(size / max(height, width)))
    large = pixels.repeat(factor, axis=1).repeat(factor, axis=2)
    head = _LINE if titles is not None else 0
    room = ((0, 0), (head, _GAP), (0, _GAP), (0, 0))
    sheet = arrange(np.pad(large, room, constant_values=_PAPER), columns)
    rows, columns = -(-count // columns), min(columns, count)
    for index in range(count, rows * columns):  # empty cells; black would look like a tile
        top, left = (index // columns) * (head + large.shape[1] + _GAP), index % columns
        left *= large.shape[2] + _GAP
        sheet[top : top + head + large.shape[1] + _GAP, left:] = _PAPER
    image = Image.fromarray(sheet[:-_GAP, :-_GAP])
    if titles is not None:
        draw, font = ImageDraw.Draw(image), _font()
        for index, title in enumerate(titles):
            corner = (
                (index % columns) * (large.shape[2] + _GAP),
                (index // columns) * (head + large.shape[1] + _GAP),
            )
            draw.text(corner, _fitting(title, large.shape[2], draw, font), _INK, font)
    return image


def _font() -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    try:
        return ImageFont.load_default(_LETTERS)
    except TypeError:  # Pillow before 10.1 has a bitmap of one size
        return ImageFont.load_default()


def _fitting(
    title: str,
    width: int,
    draw: ImageDraw.ImageDraw,
    font: ImageFont.ImageFont | ImageFont.FreeTypeFont,
) -> str:
    """Cut a title to the width of its tile."""
    if draw.textlength(title, font) <= width:
        return title
    while title and draw.textlength(f"{title}..", font) > width:
        title = title[:-1]
    return f"{title}.."
