"""(a photograph, a class activation map of the layer's own size) => the map over the photograph.

The page draws the same; `tests/golden/vectors.json` holds both to it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tbviz.arrays.resample import enlarge
from tbviz.images.colormaps import colormap, pick

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def overlay(
    image: NDArray[np.uint8],
    cam: ArrayLike,
    maximum: float,
    name: str = "turbo",
    strength: float = 0.6,
    *,
    signed: bool = False,
) -> NDArray[np.uint8]:
    """Lay a class activation map over its image, the stronger the hotter.

    Opacity grows with the map, so the photograph stays as it is where the map is cold; an even
    mix would veil all of it in the map's lowest color. With `t` the enlarged map over `maximum`
    cut to 0 to 1, and `a = strength * t`: `floor(image * (1 - a) + color(t) * a + 0.5)`.

    Args:
        image: uint8 RGB of shape `(H, W, 3)`.
        cam: the map, real numbers of shape `(h, w)`; NaN counts as cold.
        maximum: the value of the map that is drawn hottest. Where it is not a positive finite
            number the image comes back untouched.
        name: a key of `COLORMAPS`.
        strength: opacity where the map is hottest, 0 to 1.
        signed: whether `t` is cut to -1 to 1, so that `a = strength * |t|` and the color is that of
            `(t + 1) / 2`. Defaults to False.

    Returns:
        uint8 RGB of shape `(H, W, 3)`.

    Raises:
        ValueError: the image is not uint8 RGB, the map has not two axes, `strength` is beyond
            0 to 1, or there is no such color map.
    """
    if np.ndim(cam) != 2:
        raise ValueError(f"overlay got a map of shape {np.shape(cam)}; it takes one map (h, w).")
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
            share = np.nan_to_num(enlarged / maximum, nan=0.0, posinf=1.0, neginf=-1.0)
        heat = np.clip(share, -1.0 if signed else 0.0, 1.0)
    opacity = (strength * np.abs(heat))[..., np.newaxis]
    colors = pick((heat + 1) / 2 if signed else heat, colormap(name))
    mixed = image * (1 - opacity) + colors * opacity
    return np.floor(mixed + 0.5).astype(np.uint8)
