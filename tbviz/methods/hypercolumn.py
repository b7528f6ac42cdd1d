"""Compute hypercolumns: the activations of several layers at each pixel, laid over each other.

Hariharan, Arbelaez, Girshick and Malik 2015, "Hypercolumns for Object Segmentation and Fine-grained
Localization", https://arxiv.org/abs/1411.5752, section 3: the activations of several layers,
enlarged to the image's size, above each pixel. Here they are shown: averaged, and as principal
components in color.

Enlarging is linear, as averaging and projecting are. So each layer is averaged and projected at its
own size and then enlarged. The stack of all channels at the image's size would take hundreds of
megabytes; it is never made.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import keras
import numpy as np
import numpy.typing as npt

from tbviz.arrays.principal import MAX_VECTORS, Axes, principal_axes, sample
from tbviz.arrays.resample import resize
from tbviz.arrays.types import Floats
from tbviz.errors import TbvizError
from tbviz.methods.activation_maps.rgb_maps import (
    colored,
    ends,
    leading_axes,
    project,
    three_axes,
    widened,
)

if TYPE_CHECKING:
    from tbviz.taps.model_outputs import ModelOutputs
    from tbviz.taps.outputs import Output


MAX_LAYERS = 6
"""The number of layers that are combined by default, spread over the depth."""

# Components per layer before the joint axes are computed. Further ones contribute very little.
_COMPONENTS = 16
_TENFOLD = 10.001  # rounding does not decide


@dataclass(frozen=True)
class HypercolumnBasis:
    """The meaning of colors and weights; reuse it to compare hypercolumns of later snapshots.

    Attributes:
        weights: `(layers,)`, of each layer's mean over channels in the average.
        axes: Of all channels of all layers, one layer after the other; `directions` hold the
            weights, so they are not of length one.
    """

    weights: npt.NDArray[np.float64]
    axes: Axes


@dataclass(frozen=True)
class HypercolumnMaps:
    """The hypercolumns of some layers.

    Attributes:
        mean: `(images, height, width)`, the average over channels.
        colors: `(images, height, width, 3)`, 0 to 1, the three principal components; black if a
            layer is not finite there.
        layers: Paths of the layers.
        basis: Their meaning, to be passed on for comparable results.
    """

    mean: Floats
    colors: Floats
    layers: list[str]
    basis: HypercolumnBasis


def hypercolumns(
    model: keras.Model,
    images: Any,
    *,
    layers: Any = None,
    size: tuple[int, int] | None = None,
    normalize: bool = True,
    basis: HypercolumnBasis | None = None,
) -> HypercolumnMaps:
    """Lay the activations of several layers over each other, at one size.

    Early layers locate exactly, late layers recognize; together they show both (Hariharan et al.
    2015, section 3, https://arxiv.org/abs/1411.5752). The stack of all channels above a pixel is
    shown as its mean and, in color, as its three principal components.

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        layers: Numbers as in `model.layers[i]`, such as `[1, 4, 7]`, see `numbered`, or a filter
            of layers, see `activations`. Defaults to None: six layers, spread over the depth.
        size: Height and width of the result in pixels. Defaults to None: those of the images.
        normalize: Whether to divide each layer by its spread and to weight all layers equally, so
            that a layer with large values or many channels does not hide the others. Otherwise all
            channels of all layers are averaged. Defaults to True.
        basis: Spreads and axes of an earlier call on the same layers, so that the results
            compare. Defaults to None: those of these images.

    Raises:
        TbvizError: If a number or filter names no layer with feature maps, or the basis is of
            other layers.

    Example:
        >>> found = tbviz.methods.hypercolumns(model, x_val[:4], layers=[1, 4, 7])
        >>> found.mean.shape, found.colors.shape
        ((4, 32, 32), (4, 32, 32, 3))
    """
    from tbviz.scores.recording import record
    from tbviz.taps.image_inputs import image_batch
    from tbviz.taps.inspector import inspector_for

    inspector = inspector_for(model)
    selected = hypercolumn_layers(inspector.model_outputs(images), model, layers)
    maps = record(inspector, selected, images).maps
    if size is None:
        batch = image_batch(images)
        like = [batch] if batch is not None else list(maps.values())
        height, width = max(value.shape[1:3] for value in like)
        size = height, width
    return hypercolumns_of(maps, size, normalize=normalize, basis=basis)


def hypercolumn_layers(model_outputs: ModelOutputs, model: Any, layers: Any = None) -> list[Output]:
    """Return the layers that a list names, in the model's order.

    Raises:
        TbvizError: If it names one that does not exist or has no feature maps.
    """
    from tbviz.taps.select import LayerNotFoundError, default_layers, select

    if layers is None:
        found = default_layers(model_outputs, MAX_LAYERS)
        if not found:
            raise LayerNotFoundError("this model has no layer with feature maps to combine")
        return found
    return select(model_outputs, numbered(model, layers))


def numbered(model: Any, layers: Any) -> Any:
    """Return a filter with each number in it replaced by the layer of that index.

    Numbers are those of Keras' `model.layers[i]`; negative ones count from the end. A layer that is
    a model counts as one and stands for its output; its inner layers have paths. If a model holds
    only another model, the layers of the inner model are counted.

    Raises:
        TbvizError: If there is no such layer.
    """
    if isinstance(layers, int | np.integer):
        counted = _counted(model)
        if not -len(counted) <= layers < len(counted):
            names = ", ".join(f"{index} {layer.name!r}" for index, layer in enumerate(counted[:20]))
            msg = (
                f"received layer number {layers}; model {model.name!r} has {len(counted)} layers: "
                f"{names}{' ...' if len(counted) > 20 else ''}"
            )
            raise TbvizError(msg)
        return counted[layers]
    if isinstance(layers, list | tuple | range | np.ndarray):
        return [numbered(model, layer) for layer in layers]
    return layers


def _counted(model: Any) -> list[Any]:
    layers = list(getattr(model, "layers", ()))
    inner = [layer for layer in layers if not isinstance(layer, keras.layers.InputLayer)]
    if len(inner) == 1 and isinstance(inner[0], keras.Model):
        return _counted(inner[0])
    return layers


def hypercolumns_of(
    maps: Mapping[str, Floats],
    size: tuple[int, int],
    *,
    normalize: bool = True,
    basis: HypercolumnBasis | None = None,
) -> HypercolumnMaps:
    """Compute the hypercolumns of layers' maps.

    Args:
        maps: Layer path to `(images, height, width, channels)`.
        size: Height and width of the result in pixels.
        normalize: See `hypercolumns`. Defaults to True.
        basis: Of earlier maps of these layers. Directions stay; the ranges shown are widened if
            values exceed them (`tbviz.methods.activation_maps.rgb_maps.widened`). If a layer's
            spread has changed more than tenfold since, weights and colors get a new meaning: with
            the former one that layer would dominate or disappear. Defaults to None.
    """
    values = list(maps.values())
    channels = [value.shape[-1] for value in values]
    if basis is not None and basis.axes.mean.size != sum(channels):
        msg = (
            f"received a basis of {basis.axes.mean.size} channels for layers of {sum(channels)}; "
            "pass the basis of the same layers, or none"
        )
        raise TbvizError(msg)
    samples = [sample(value) for value in values]
    weights, scales = _weights(samples, normalize)
    found = basis
    if found is None or not found.axes.share.any() or _outgrown(weights / found.weights):
        found = HypercolumnBasis(weights, _joint_axes(values, samples, scales))
    reused = found is basis
    mean = np.zeros((len(values[0]), *size))
    coordinates = np.zeros((len(values[0]), 3, *size))
    start = 0
    with np.errstate(all="ignore"):
        for value, weight in zip(values, found.weights, strict=True):
            mean += resize(value.mean(axis=-1, dtype=np.float64) * weight, size)
            end = start + value.shape[-1]
            layer = dataclasses.replace(
                found.axes,
                mean=found.axes.mean[start:end],
                directions=found.axes.directions[:, start:end],
            )
            coordinates += resize(np.moveaxis(project(value, layer), -1, 1), size)
            start = end
    projected = np.moveaxis(coordinates, 1, -1).astype(np.float32)
    axes = widened(found.axes, projected) if reused else _extents(found.axes, projected)
    colors = colored(projected, axes)
    return HypercolumnMaps(
        mean.astype(np.float32), colors, list(maps), HypercolumnBasis(found.weights, axes)
    )


def _weights(
    samples: list[Floats], normalize: bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the weight of each layer's mean in the average, and of its channels among all."""
    channels = np.array([vectors.shape[-1] for vectors in samples], np.float64)
    if not normalize:
        return channels / channels.sum(), np.ones(len(samples))
    spreads = np.array([_spread(vectors) for vectors in samples])
    return 1 / (len(samples) * spreads), 1 / (spreads * np.sqrt(channels))


def _outgrown(ratios: npt.NDArray[np.float64]) -> bool:
    return bool(np.any((ratios > _TENFOLD) | (ratios < 1 / _TENFOLD)))


def _joint_axes(
    values: list[Floats], samples: list[Floats], scales: npt.NDArray[np.float64]
) -> Axes:
    """Return axes of all channels together, among the strongest components of each layer."""
    own = [three_axes(leading_axes(vectors, _COMPONENTS)) for vectors in samples]
    grid = _grid(values)
    components = []
    for value, axes, scale in zip(values, own, scales, strict=True):
        with np.errstate(all="ignore"):
            coordinates = project(value, axes) * np.float32(scale)
        components.append(np.moveaxis(resize(np.moveaxis(coordinates, -1, 1), grid), 1, -1))
    joint = three_axes(principal_axes(np.concatenate(components, axis=-1)))
    parts = np.split(joint.directions, np.cumsum([len(axes.directions) for axes in own])[:-1], 1)
    directions = [
        part @ axes.directions * scale for part, axes, scale in zip(parts, own, scales, strict=True)
    ]
    mean = np.concatenate([axes.mean for axes in own])
    return dataclasses.replace(joint, mean=mean, directions=np.concatenate(directions, axis=1))


def _grid(values: list[Floats]) -> tuple[int, int]:
    """Return height and width of the largest layer, reduced if that would be too much work."""
    images = len(values[0])
    height, width = max((value.shape[1:3] for value in values), key=lambda size: size[0] * size[1])
    shrink = min(1.0, (MAX_VECTORS / (images * height * width)) ** 0.5)
    return max(1, int(height * shrink)), max(1, int(width * shrink))


def _spread(vectors: Floats) -> float:
    """Return the standard deviation of a layer's channels, all together; 1 if none varies."""
    if not len(vectors):
        return 1.0
    with np.errstate(all="ignore"):
        found = float(np.sqrt(vectors.astype(np.float64).var(axis=0).mean()))
    return found if np.isfinite(found) and found > 0 else 1.0


def _extents(axes: Axes, coordinates: Floats) -> Axes:
    """Return the axes with the ranges of these projections."""
    low, high = ends(coordinates)
    known = (axes.share > 0) & (high > low)
    return dataclasses.replace(
        axes, low=np.where(known, low, axes.low), high=np.where(known, high, axes.high)
    )
