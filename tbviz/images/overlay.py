"""(a photograph, a class activation map of the layer's own size) => the map over the photograph.

The page draws the same; `tests/golden/vectors.json` holds both to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tbviz.images.colormaps import colormap, pick

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def enlarge(small: ArrayLike, size: tuple[int, int]) -> NDArray[np.float64]:
    """Enlarge a map bilinearly, pixel centres at halves and edges held.

    The layer's pixels lie over the image as areas, so their centres are at halves: what Pillow's
    BILINEAR, `tf.image.resize` and torch's `align_corners=False` do. Aligning corners instead
    would shift the map by half of its pixels at the edges. Exactly, in float64 along the width
    and then the same along the height:

        x = (column + 0.5) * w / W - 0.5, cut to 0 to w - 1
        left = floor(x), right = min(left + 1, w - 1)
        value = map[left] + (map[right] - map[left]) * (x - left)

    Args:
        small: real numbers of shape `(h, w)`.
        size: `(H, W)` of the result in pixels.

    Returns:
        float64 of shape `(H, W)`. A value that is not finite spoils the pixels it touches only.

    Raises:
        ValueError: the map has not two axes, or one side is without pixels.
    """
    values = np.asarray(small, np.float64)
    if values.ndim != 2 or 0 in values.shape or min(size) < 1:
        raise ValueError(
            f"enlarge got a map of shape {values.shape} and size {size}; it takes one map "
            "(h, w) and a size (H, W) of at least one pixel each."
        )
    height, width = size
    with np.errstate(invalid="ignore", over="ignore"):
        return _stretch(_stretch(values, width).T, height).T


def _stretch(values: NDArray[np.float64], width: int) -> NDArray[np.float64]:
    last = values.shape[1] - 1
    places = np.clip((np.arange(width) + 0.5) * (last + 1) / width - 0.5, 0, last)
    left = np.floor(places).astype(np.intp)
    right = np.minimum(left + 1, last)
    from_left = values[:, left]
    value: NDArray[np.float64] = from_left + (values[:, right] - from_left) * (places - left)
    return value


def overlay(
    image: NDArray[np.uint8],
    cam: ArrayLike,
    maximum: float,
    name: str = "turbo",
    strength: float = 0.6,
) -> NDArray[np.uint8]:
    """Lay a class activation map over its image, the stronger the hotter.

    Opacity grows with the map, so the photograph stays as it is where the map is cold; an even
    mix would veil all of it in the map's lowest colour. With `t` the enlarged map over `maximum`
    cut to 0 to 1, and `a = strength * t`: `floor(image * (1 - a) + colour(t) * a + 0.5)`.

    Args:
        image: uint8 RGB of shape `(H, W, 3)`.
        cam: the map, real numbers of shape `(h, w)`; NaN counts as cold.
        maximum: the value of the map that is drawn hottest. Where it is not a positive finite
            number the image comes back untouched.
        name: a key of `COLORMAPS`.
        strength: opacity where the map is hottest, 0 to 1.

    Returns:
        uint8 RGB of shape `(H, W, 3)`.

    Raises:
        ValueError: the image is not uint8 RGB, the map has not two axes, `strength` is beyond
            0 to 1, or there is no such colour map.
    """
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        raise ValueError(
            f"overlay got an image of shape {image.shape}, {image.dtype}; it takes uint8 RGB "
            "(H, W, 3). tbviz.images.ranges.display makes such images."
        )
    if not 0 <= strength <= 1:
        raise ValueError(f"overlay got strength {strength}; it takes an opacity from 0 to 1.")
    enlarged = enlarge(cam, image.shape[:2])
    heat = np.zeros_like(enlarged)
    if 0 < maximum < np.inf:
        with np.errstate(over="ignore"):
            heat = np.clip(np.nan_to_num(enlarged / maximum, nan=0.0, posinf=1.0), 0.0, 1.0)
    opacity = (strength * heat)[..., np.newaxis]
    mixed = image * (1 - opacity) + pick(heat, colormap(name)) * opacity
    return np.floor(mixed + 0.5).astype(np.uint8)
