"""Draw the feature maps of a layer as one color picture per image.

Pixels with the same activations have the same color: the picture shows what a layer distinguishes.
The axes are those of the first maps; pass them on to compare the colors of later maps.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.principal import Axes, principal_axes, sample
from tbviz.arrays.resample import area_average
from tbviz.arrays.types import Floats
from tbviz.arrays.value_range import value_range
from tbviz.errors import TbvizError

if TYPE_CHECKING:
    import keras

    from tbviz.taps.outputs import Output
    from tbviz.taps.select import Filter


_MANY_CHANNELS = 256

# Colors are cut at these percentiles; otherwise a few hot pixels would leave the rest in one color.
_ENDS = (1, 99)
_SLACK = 0.1


@dataclass(frozen=True)
class RgbMaps:
    """One layer in color.

    Attributes:
        colors: `(images, height, width, 3)`, 0 to 1; black where the layer is not finite.
        axes: The meaning of the colors; `axes.share` is the share of the variance of each.
    """

    colors: Floats
    axes: Axes


def activation_colors(
    model: keras.Model,
    images: Any,
    *,
    layers: Filter | None = None,
    axes: dict[str, Axes] | None = None,
) -> dict[str, RgbMaps]:
    """Draw layers in color: the principal components of their channels, over all the images.

    Pixels with the same activations have the same color, so the picture shows what a layer
    distinguishes. Red, green and blue are the projections on the three axes of largest variance
    (Jolliffe 2002, "Principal Component Analysis", https://doi.org/10.1007/b98835).

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        layers: Filter of layers, see `activations`. Layers of fewer than three channels and of a
            single pixel are left out. Defaults to None: up to twelve layers, spread over the
            depth.
        axes: The axes of an earlier call by layer path, so that the colors mean the same.
            Defaults to None: the principal axes of these images.

    Returns:
        Layer path to its color maps; their `colors` are float32
        `(images, height, width, 3)`, 0 to 1, at the size of the layer.

    Raises:
        TbvizError: If a filter matches no layer with feature maps, or the axes have other
            channels.

    Example:
        >>> found = tbviz.methods.activation_colors(model, x_val[:4], layers="conv1")
        >>> found["conv1"].colors.shape
        (4, 32, 32, 3)
    """
    from tbviz.scores.recording import record
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import default_layers, select

    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    selected = default_layers(model_outputs) if layers is None else select(model_outputs, layers)
    selected = [output for output in selected if has_colors(output)]
    reused = axes or {}
    return {
        key: rgb_maps(maps, reused.get(key))
        for key, maps in record(inspector, selected, images).maps.items()
    }


def has_colors(output: Output) -> bool:
    """Tell whether a layer has enough channels for three colors, and more than one pixel."""
    return output.spatial and output.channels >= 3


def rgb_maps(maps: Floats, axes: Axes | None = None, limit: int | None = None) -> RgbMaps:
    """Draw one layer in color.

    Three channels become red, green and blue directly, in the usual range that holds them, or in
    their own range if they fill less than a quarter of that. More channels are projected on their
    three principal axes; each projection is shown from its 1st to its 99th percentile.

    Args:
        maps: `(images, height, width, channels)`.
        axes: Of earlier maps of the layer. The directions stay; if the projections exceed a range,
            it is widened to hold them, and it never shrinks: a layer that grows keeps its shades,
            one that dies turns pale. Defaults to None.
        limit: Largest side of the pictures; larger ones are reduced by averaging areas. Defaults to
            None.

    Raises:
        TbvizError: If the axes have other channels.
    """
    reuse = axes is not None and bool(axes.share.any())
    found = axes if axes is not None and reuse else color_axes(maps)
    coordinates = project(maps, found)
    if limit is not None:
        coordinates = np.moveaxis(area_average(np.moveaxis(coordinates, -1, 1), limit), 1, -1)
    if reuse:
        found = widened(found, coordinates)
    return RgbMaps(colored(coordinates, found), found)


def color_axes(maps: Floats) -> Axes:
    """Find the three axes of maps `(images, height, width, channels)` without earlier axes.

    If the maps vary in fewer directions, or no value is finite, the remaining axes are zero. They
    give half of their color everywhere, and a share of 0.
    """
    if maps.shape[-1] != 3:
        return three_axes(leading_axes(maps))
    finite = sample(maps)
    low, high = value_range(finite)
    least, greatest = ends(finite)
    if 0 < greatest.max() - least.min() < (high - low) / 4:  # no picture: faint activations
        low, high = least.min(), greatest.max()
    high = high if high > low else low + 1
    spread = finite.var(axis=0, dtype=np.float64) if len(finite) else np.zeros(3)
    share = spread / (spread.sum() or 1.0)
    return Axes(np.zeros(3), np.eye(3), np.full(3, low), np.full(3, high), share)


def leading_axes(maps: Floats, count: int = 3) -> Axes:
    """Return `principal_axes` of maps `(..., channels)`, as fast for a thousand channels.

    The matrix of a thousand channels takes seconds to solve. A few hundred vectors span a few
    hundred directions; the axes are found among those.
    """
    vectors = sample(maps)
    if vectors.shape[1] <= _MANY_CHANNELS or not len(vectors):
        return principal_axes(vectors, count)
    vectors = sample(vectors, _MANY_CHANNELS).astype(np.float64)
    mean = vectors.mean(axis=0)
    spanned = np.linalg.qr((vectors - mean).T)[0]
    found = principal_axes((vectors - mean) @ spanned, count)
    middle = mean + spanned @ found.mean
    return dataclasses.replace(found, mean=middle, directions=found.directions @ spanned.T)


def three_axes(axes: Axes) -> Axes:
    """Return at least three axes: missing ones are zeros, so that sums have the same shape."""
    missing = max(0, 3 - len(axes.directions))
    return Axes(
        axes.mean,
        np.concatenate([axes.directions, np.zeros((missing, axes.mean.size))]),
        np.concatenate([axes.low, np.full(missing, -1.0)]),
        np.concatenate([axes.high, np.full(missing, 1.0)]),
        np.concatenate([axes.share, np.zeros(missing)]),
    )


def project(maps: Floats, axes: Axes) -> Floats:
    """Project maps `(..., channels)` on axes, relative to their mean: `(..., axes)`.

    It computes in float32, without a copy of all the channels.

    Raises:
        TbvizError: If the axes have other channels.
    """
    if maps.shape[-1] != axes.mean.size:
        msg = (
            f"received axes of {axes.mean.size} channels for maps of {maps.shape[-1]}; pass the "
            "axes that the same layer had, or none"
        )
        raise TbvizError(msg)
    with np.errstate(all="ignore"):
        middle = (axes.mean @ axes.directions.T).astype(np.float32)
        coordinates: Floats = maps @ axes.directions.T.astype(np.float32) - middle
    return coordinates


def colored(coordinates: Floats, axes: Axes) -> Floats:
    """Return the colors `(..., 3)` of projections `(..., 3)`."""
    return dataclasses.replace(axes, mean=np.zeros(3), directions=np.eye(3)).colors(coordinates)


def widened(axes: Axes, coordinates: Floats) -> Axes:
    """Return the axes with ranges that hold these projections too: they grow, and never shrink.

    They stay if values exceed them by less than a tenth, so that colors do not flicker.
    """
    low, high = ends(coordinates)
    slack = _SLACK * (axes.high - axes.low)
    return dataclasses.replace(
        axes,
        low=np.where(low < axes.low - slack, low, axes.low),
        high=np.where(high > axes.high + slack, high, axes.high),
    )


def ends(coordinates: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the 1st and 99th percentiles of projections `(..., 3)`; NaN if none is finite."""
    flat = coordinates[np.isfinite(coordinates).all(axis=-1)].astype(np.float64)
    if not len(flat):
        return np.full(3, np.nan), np.full(3, np.nan)
    low, high = np.percentile(flat, _ENDS, axis=0)
    return low, high
