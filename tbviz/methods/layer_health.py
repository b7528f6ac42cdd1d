"""Layer health: numbers that tell whether a layer works, from its feature maps alone.

A flat map means a dead channel; a map that looks like the input means that nothing was learnt.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import keras

    from tbviz.taps.select import Filter

Floats = npt.NDArray[np.float32]

FLAT = 1e-6
"""A channel is dead whose span is at most this share of the layer's largest absolute value."""

COLUMNS = ("mean", "std", "minimum", "maximum", "sparsity", "likeness")
"""What is known of each channel, in the order of `LayerHealth.table`."""


@dataclass(frozen=True)
class LayerNumbers:
    """How one layer answers to all probe images at one step. Units are the layer's own.

    Attributes:
        numbers: `channels`; `dead`, channels whose output is one number everywhere on every
            image; `sparsity`, share of zeros; `mean`, `std`, `minimum`, `maximum`; `likeness`,
            the largest absolute correlation of a channel with the gray input, mean over images,
            0 to 1 or NaN; `change`, norm of the difference from the former maps over the norm
            of those, NaN where there are none.
        table: `(len(COLUMNS), channels)`, the same a channel.
    """

    numbers: dict[str, float]
    table: Floats


def health(
    model: keras.Model, images: Any, layers: Filter | None = None
) -> dict[str, LayerNumbers]:
    """The health of chosen layers on a batch of images.

    Args:
        model: any built Keras model.
        images: a batch, in the structure that the model takes.
        layers: a filter; up to twelve layers spread over the depth unless given.

    Returns:
        Layer path to its numbers.

    Raises:
        TbvizError: a filter matches no layer with feature maps.
    """
    from tbviz.methods.feature_maps import activations

    found = activations(model, images, layers)
    inputs = gray(images)
    return {key: layer_numbers(maps, inputs) for key, maps in found.items()}


def gray(images: Any) -> Floats | None:
    """Images as `(images, height, width)`, the mean of their channels.

    Args:
        images: a batch, channels first or last; of several inputs the first that is one.

    Returns:
        `None` where there is no batch of images with one to four channels.
    """
    from tbviz.taps.images import image_batch

    batch = image_batch(images)
    return None if batch is None else batch.astype(np.float32)[..., :3].mean(axis=-1)


def layer_numbers(
    maps: Floats, inputs: Floats | None = None, former: Floats | None = None
) -> LayerNumbers:
    """The numbers of one layer.

    Args:
        maps: `(images, height, width, channels)`, or `(images, channels)`.
        inputs: the images in gray, `(images, height, width)`; without, likeness is NaN.
        former: the maps at the last logged step; without, change is NaN.
    """
    values = np.asarray(maps, dtype=np.float32)
    channels = values.shape[-1]
    flat = values.reshape(-1, channels)
    finite = np.isfinite(flat)
    # Sums in float64: a mean in float32 over a million pixels is off in the fourth digit.
    known = flat.astype(np.float64)
    whole = bool(finite.all())

    def filled(value: float) -> npt.NDArray[np.float64]:
        return known if whole else np.where(finite, known, value)

    count = finite.sum(axis=0)
    some, divisor = count > 0, np.maximum(count, 1)
    lowest = np.where(some, filled(np.inf).min(axis=0), np.nan)
    highest = np.where(some, filled(-np.inf).max(axis=0), np.nan)
    mean = np.where(some, filled(0).sum(axis=0) / divisor, np.nan)
    away = filled(0) - np.where(some, mean, 0)
    squares = np.einsum("pc,pc,pc->c", away, away, finite)
    spread = np.where(some, np.sqrt(squares / divisor), np.nan)
    largest = np.nanmax(np.abs([lowest, highest]), initial=0.0)
    dead = finite.all(axis=0) & (highest - lowest <= FLAT * largest)
    zeros = (flat == 0).mean(axis=0)
    correlations = _correlations(values, inputs)
    table = np.stack(
        [mean, spread, lowest, highest, zeros, _mean_over_images(correlations)], dtype=np.float32
    )
    share = count[some] / max(int(count.sum()), 1)
    overall = float(share @ mean[some]) if some.any() else np.nan
    variance = share @ (spread[some] ** 2 + (mean[some] - overall) ** 2)
    numbers = {
        "channels": float(channels),
        "dead": float(dead.sum()),
        "sparsity": float(zeros.mean()),
        "mean": overall,
        "std": float(np.sqrt(variance)) if some.any() else np.nan,
        "minimum": float(lowest[some].min()) if some.any() else np.nan,
        "maximum": float(highest[some].max()) if some.any() else np.nan,
        "likeness": _strongest(correlations),
        "change": change(maps, former),
    }
    return LayerNumbers(numbers, table)


def likeness(maps: npt.NDArray[Any], inputs: Floats | None) -> npt.NDArray[np.float64]:
    """A channel's absolute correlation with the input reduced to its size, mean over images.

    Args:
        maps: `(images, height, width, channels)`.
        inputs: `(images, height, width)`, gray.

    Returns:
        `(channels,)`, 0 to 1; NaN where map or input is constant on every image.
    """
    return _mean_over_images(_correlations(maps, inputs))


def change(maps: Floats, former: Floats | None) -> float:
    """Norm of the difference of two steps' maps over the norm of the former one."""
    if former is None or former.shape != maps.shape:
        return float("nan")
    now, then = np.float64(maps), np.float64(former)
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(then))
        return float(np.linalg.norm(now - then)) / size if size > 0 else float("nan")


def _strongest(found: npt.NDArray[np.float64]) -> float:
    """The strongest correlation of each image, mean over images."""
    known = np.isfinite(found)
    best = np.where(known, found, -1.0).max(axis=1, initial=-1.0)
    best = best[known.any(axis=1)]
    return float(best.mean()) if best.size else float("nan")


def _mean_over_images(found: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    known = np.isfinite(found)
    total = np.where(known, found, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def _correlations(maps: npt.NDArray[Any], inputs: Floats | None) -> npt.NDArray[np.float64]:
    """Absolute Pearson correlations `(images, channels)`, NaN where one side is constant."""
    images, channels = maps.shape[0], maps.shape[-1]
    if inputs is None or maps.ndim != 4 or min(maps.shape[1:3]) < 2:
        return np.full((images, channels), np.nan)
    height, width = maps.shape[1:3]
    small = _resized(np.asarray(inputs, dtype=np.float32), height, width).reshape(images, -1)
    columns = np.asarray(maps, dtype=np.float64).reshape(images, -1, channels)
    with np.errstate(all="ignore"):
        one = small - small.mean(axis=1, keepdims=True)
        other = columns - columns.mean(axis=1, keepdims=True)
        product = np.einsum("np,npc->nc", one, other)
        norms = np.linalg.norm(one, axis=1)[:, None] * np.linalg.norm(other, axis=1)
        level = 1e-6 * np.linalg.norm(columns, axis=1) * np.linalg.norm(one, axis=1)[:, None]
        found = np.abs(product / norms)
    usable = (norms > level) & np.isfinite(found)
    return np.where(usable, np.minimum(found, 1.0), np.nan)


def _resized(images: Floats, height: int, width: int) -> npt.NDArray[np.float64]:
    """Area average to exactly this size, also where the sides shrink by different factors."""
    rows = _averaging(images.shape[1], height)
    columns = _averaging(images.shape[2], width)
    return np.asarray(rows @ images.astype(np.float64) @ columns.T)


def _averaging(pixels: int, cells: int) -> npt.NDArray[np.float64]:
    edges = np.linspace(0, pixels, cells + 1)
    starts = np.maximum(edges[:-1, None], np.arange(pixels)[None])
    ends = np.minimum(edges[1:, None], np.arange(1, pixels + 1)[None])
    overlap = np.maximum(ends - starts, 0)
    return np.asarray(overlap / overlap.sum(axis=1, keepdims=True))
