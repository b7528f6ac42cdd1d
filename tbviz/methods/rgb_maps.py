"""(feature maps of many channels) => (one color picture an image).

Pixels to which a layer answers alike have the same color, so that one sees at a glance what it
tells apart. The axes are those of the first maps; kept, the colors of later ones compare.
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

# Beyond these percentiles a color is cut: a few hot pixels would leave the rest in one color.
_ENDS = (1, 99)
_SLACK = 0.1


@dataclass(frozen=True)
class RgbMaps:
    """One layer in color.

    Attributes:
        colors: `(images, height, width, 3)`, 0 to 1; black where the layer is not finite.
        axes: what the colors mean; `axes.share` is each one's share of the variance.
    """

    colors: Floats
    axes: Axes


def activation_colors(
    model: keras.Model,
    images: Any,
    layers: Filter | None = None,
    axes: dict[str, Axes] | None = None,
) -> dict[str, RgbMaps]:
    """Chosen layers in color: the principal components of their channels, over all the images.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes.
        layers: a filter; up to twelve layers spread over the depth unless given. Layers of fewer
            than three channels, and of a single pixel, are left out.
        axes: by layer path, to keep those of an earlier call.

    Returns:
        Layer path to its color maps.

    Raises:
        TbvizError: a filter matches no layer with feature maps, or the axes have other channels.
    """
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import default_layers, select

    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    chosen = default_layers(model_outputs) if layers is None else select(model_outputs, layers)
    chosen = [output for output in chosen if has_colors(output)]
    kept = axes or {}
    return {
        key: rgb_maps(maps, kept.get(key))
        for key, maps in inspector.record(chosen, images).maps.items()
    }


def has_colors(output: Output) -> bool:
    """Whether a layer has enough channels for three colors, and more than one pixel."""
    return output.spatial and output.channels >= 3


def rgb_maps(maps: Floats, axes: Axes | None = None, limit: int | None = None) -> RgbMaps:
    """One layer in color.

    Three channels are red, green and blue as they are, in the usual range that holds them, or
    their own where they fill less than a quarter of that. More are projected on their three
    principal axes, each shown from its 1st to its 99th percentile.

    Args:
        maps: `(images, height, width, channels)`.
        axes: of earlier maps of the layer. The directions stay; where the projections have
            outgrown an extent, it is widened to hold them, and it never shrinks: a layer that
            grows keeps its shades, one that dies turns pale.
        limit: largest side of the pictures; larger ones are reduced by averaging areas.

    Raises:
        TbvizError: the axes have other channels.
    """
    kept = axes is not None and bool(axes.share.any())
    found = axes if axes is not None and kept else color_axes(maps)
    places = project(maps, found)
    if limit is not None:
        places = np.moveaxis(area_average(np.moveaxis(places, -1, 1), limit), 1, -1)
    if kept:
        found = widened(found, places)
    return RgbMaps(colored(places, found), found)


def color_axes(maps: Floats) -> Axes:
    """The three axes of maps `(images, height, width, channels)` that nothing is known of yet.

    Where they vary in fewer directions, or nothing is finite, the axes left over are zero: half of
    their color everywhere, and a share of 0.
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
    """`principal_axes` of maps `(..., channels)`, in the same time for a thousand channels.

    The matrix of a thousand channels takes seconds to solve. A few hundred vectors span a few
    hundred directions; in those the axes are sought.
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
    """Axes, at least three: those that are missing are zeros, so that all sums go through."""
    missing = max(0, 3 - len(axes.directions))
    return Axes(
        axes.mean,
        np.concatenate([axes.directions, np.zeros((missing, axes.mean.size))]),
        np.concatenate([axes.low, np.full(missing, -1.0)]),
        np.concatenate([axes.high, np.full(missing, 1.0)]),
        np.concatenate([axes.share, np.zeros(missing)]),
    )


def project(maps: Floats, axes: Axes) -> Floats:
    """Where maps `(..., channels)` lie on axes, from their mean: `(..., axes)`.

    In float32, and without a copy of all the channels.

    Raises:
        TbvizError: the axes have other channels.
    """
    if maps.shape[-1] != axes.mean.size:
        msg = (
            f"received axes of {axes.mean.size} channels for maps of {maps.shape[-1]}; pass the "
            "axes that the same layer had, or none"
        )
        raise TbvizError(msg)
    with np.errstate(all="ignore"):
        middle = (axes.mean @ axes.directions.T).astype(np.float32)
        places: Floats = maps @ axes.directions.T.astype(np.float32) - middle
    return places


def colored(places: Floats, axes: Axes) -> Floats:
    """The colors `(..., 3)` of projections `(..., 3)`."""
    return dataclasses.replace(axes, mean=np.zeros(3), directions=np.eye(3)).colors(places)


def widened(axes: Axes, places: Floats) -> Axes:
    """The axes with extents that hold these projections too: they grow, and never shrink.

    They stay where they are outgrown by less than a tenth: colors shall not flicker.
    """
    low, high = ends(places)
    slack = _SLACK * (axes.high - axes.low)
    return dataclasses.replace(
        axes,
        low=np.where(low < axes.low - slack, low, axes.low),
        high=np.where(high > axes.high + slack, high, axes.high),
    )


def ends(places: Floats) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """The 1st and 99th percentiles of projections `(..., 3)`; NaN where none is finite."""
    flat = places[np.isfinite(places).all(axis=-1)].astype(np.float64)
    if not len(flat):
        return np.full(3, np.nan), np.full(3, np.nan)
    low, high = np.percentile(flat, _ENDS, axis=0)
    return low, high
