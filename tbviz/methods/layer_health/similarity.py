"""Compute each channel's correlation with the input and with the other channels.

Both are correlations, so brightness and contrast do not matter.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.resample import resize
from tbviz.arrays.types import Doubles, Floats
from tbviz.taps.image_inputs import image_batch

MAX_CHANNELS = 512
"""The number of channels compared with each other: the cost grows with their square."""

MAX_PIXELS = 2048
"""Pixels, over all images, at which channels are compared with each other."""

MIN_PIXELS = 32
"""With fewer, independent channels may agree by chance."""


def gray(images: Any) -> Floats | None:
    """Return images as `(images, height, width)`, the mean of their channels.

    Args:
        images: A batch, channels first or last; of several inputs the first that is one.

    Returns:
        None if there is no batch of images with one to four channels.
    """
    batch = image_batch(images)
    return None if batch is None else batch.astype(np.float32)[..., :3].mean(axis=-1)


def similarity(maps: npt.NDArray[Any], inputs: Floats | None) -> Doubles:
    """Return each channel's absolute correlation with the resized input, mean over images.

    Args:
        maps: `(images, height, width, channels)`.
        inputs: `(images, height, width)`, gray.

    Returns:
        `(channels,)`, 0 to 1; NaN if map or input is constant on every image.
    """
    return mean_over_images(similarity_by_image(maps, inputs))


def similarity_by_image(maps: npt.NDArray[Any], inputs: Floats | None) -> Doubles:
    """Return absolute Pearson correlations `(images, channels)`, NaN if one side is constant."""
    images, channels = maps.shape[0], maps.shape[-1]
    if inputs is None or maps.ndim != 4 or min(maps.shape[1:3]) < 2:
        return np.full((images, channels), np.nan)
    small = resize(inputs, (maps.shape[1], maps.shape[2])).reshape(images, -1)
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


def mean_over_images(found: Doubles) -> Doubles:
    """Average `(images, channels)` to `(channels,)`, over the images that have a number."""
    known = np.isfinite(found)
    total = np.where(known, found, 0.0).sum(axis=0)
    count = known.sum(axis=0)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)


def strongest(found: Doubles) -> float:
    """Return the strongest correlation of each image, mean over images; NaN if there is none."""
    known = np.isfinite(found)
    best = np.where(known, found, -1.0).max(axis=1, initial=-1.0)
    best = best[known.any(axis=1)]
    return float(best.mean()) if best.size else float("nan")


def largest_channel_correlation(maps: npt.NDArray[Any]) -> Doubles:
    """Return each channel's largest correlation with another channel, over all pixels and images.

    The sign matters: after a ReLU a map and its negative are different features. Of many pixels a
    sample is compared, always the same one; of many channels the first.

    Args:
        maps: `(images, height, width, channels)`, or any other rank with channels last.

    Returns:
        `(channels,)`, -1 to 1; NaN for a channel that is constant or not finite, for one beyond
        the first `MAX_CHANNELS`, and for all if there are fewer than `MIN_PIXELS` pixels.
    """
    values = np.asarray(maps).reshape(-1, maps.shape[-1])
    pixels, channels = values.shape
    found = np.full(channels, np.nan)
    if pixels < MIN_PIXELS:
        return found
    if pixels > MAX_PIXELS:
        # At random: a stride could hit the same column of each map again and again.
        selected = np.random.default_rng(0).integers(0, pixels, MAX_PIXELS)
        values = values[np.sort(selected)]
    compared = values[:, :MAX_CHANNELS].astype(np.float64)
    with np.errstate(all="ignore"):
        away = compared - compared.mean(axis=0)
        norms = np.linalg.norm(away, axis=0)
        usable = np.isfinite(norms) & (norms > 1e-6 * np.linalg.norm(compared, axis=0))
        standard = (away[:, usable] / norms[usable]).astype(np.float32)
    if standard.shape[1] < 2:
        return found
    correlations = standard.T @ standard
    np.fill_diagonal(correlations, -1.0)
    found[np.flatnonzero(usable)] = np.clip(correlations.max(axis=1), -1.0, 1.0)
    return found
