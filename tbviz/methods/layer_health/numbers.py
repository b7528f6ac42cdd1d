"""Compute layer health: numbers that show whether a layer works, from its maps and weights.

A flat map means a dead channel; a map that looks like the input means that nothing was learned.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from tbviz.arrays.types import Floats
from tbviz.methods.layer_health.saturation import ActivationBounds, at_bounds, bounds_of
from tbviz.methods.layer_health.similarity import (
    gray,
    largest_channel_correlation,
    mean_over_images,
    similarity_by_image,
    strongest,
)
from tbviz.methods.layer_health.thresholds import Thresholds
from tbviz.methods.layer_health.weight_norms import weight_norm, weight_owner

if TYPE_CHECKING:
    import keras

    from tbviz.taps.select import Filter


CHANNEL_COLUMNS = (
    "mean",
    "std",
    "minimum",
    "maximum",
    "sparsity",
    "similarity",
    "saturated",
    "correlation",
)
"""The numbers of each channel, in the order of `LayerNumbers.table`."""


@dataclass(frozen=True)
class LayerNumbers:
    """The health of one layer on all probe images at one snapshot.

    Attributes:
        numbers: By name. Counts of channels: `channels`; `dead`, those with a constant output on
            all images; `saturated`, those with most of their values at a bound of the activation
            (`tbviz.methods.layer_health.saturation`); `duplicates`, those whose correlation with
            another channel is high, NaN if that is unknown. Shares, 0 to 1: `sparsity`, of values
            that are zero; `nonfinite`, of values that are NaN or infinite; `nan`, of values that
            are NaN. A value that depends on weights that are not finite counts as NaN, whatever the
            processor computes. In the layer's own unit, of finite values: `mean`, `std`, `minimum`,
            `maximum`. Without a unit: `similarity`, the largest absolute correlation of a channel
            with the gray input, mean over images, 0 to 1 or NaN; `output_change`, norm of the
            difference from the former maps over the norm of those, NaN if there are none.
        table: `(len(CHANNEL_COLUMNS), channels)`, the same per channel; there `saturated` is
            the share of values at a bound, `correlation` the largest correlation with another one.
        dead: `(channels,)`, which are dead.
    """

    numbers: dict[str, float]
    table: Floats
    dead: npt.NDArray[np.bool_]

    def column(self, name: str) -> Floats:
        """Return one number per channel, `(channels,)`.

        Args:
            name: One of `CHANNEL_COLUMNS`.
        """
        return np.asarray(self.table[CHANNEL_COLUMNS.index(name)])


def health(
    model: keras.Model,
    images: Any,
    *,
    layers: Filter | None = None,
    thresholds: Thresholds | None = None,
) -> dict[str, LayerNumbers]:
    """Compute numbers that show whether layers work, on a batch of images.

    Dead channels, saturated activations, duplicates and weights that are not finite are visible in
    these numbers before the loss shows them.

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        layers: Filter of layers, see `activations`. Defaults to None: up to twelve layers,
            spread over the depth.
        thresholds: When a channel counts as dead, saturated or a duplicate. Defaults to None:
            `tbviz.Thresholds()`.

    Returns:
        Layer path to its numbers, with the `weight_norm` of its weights if it has any, and
        `weight_fault`: 2 if these hold NaN, 1 if they hold infinity, 0 if all are finite.

    Raises:
        TbvizError: If a filter matches no layer with feature maps.

    Example:
        >>> found = tbviz.methods.health(model, x_val[:64], layers="conv*")
        >>> found["conv1"].numbers["dead"]
        3.0
    """
    from tbviz.methods.activation_maps.feature_maps import activations
    from tbviz.taps.inspector import inspector_for

    found = activations(model, images, layers=layers)
    inputs = gray(images)
    inspector = inspector_for(model)
    model_outputs = inspector.model_outputs(images)
    measured = [model_outputs.outputs[key] for key in found]
    numbers = {}
    for key, maps in found.items():
        output = model_outputs.outputs[key]
        bounds = bounds_of(output.node.layer)
        numbers[key] = layer_numbers(maps, inputs, None, bounds, thresholds)
        weights = weight_owner(output, model_outputs, measured)
        numbers[key].numbers["weight_norm"] = weight_norm(weights)
        numbers[key].numbers["weight_fault"] = inspector.fault_of(weights)
    return numbers


def layer_numbers(
    maps: Floats,
    inputs: Floats | None = None,
    former: Floats | None = None,
    bounds: ActivationBounds | None = None,
    thresholds: Thresholds | None = None,
) -> LayerNumbers:
    """Compute the numbers of one layer.

    Args:
        maps: `(images, height, width, channels)`, or `(images, channels)`.
        inputs: The images in gray, `(images, height, width)`; without, similarity is NaN. Defaults
            to None.
        former: The maps at the last snapshot; without, `output_change` is NaN. Defaults to None.
        bounds: Of the layer's activation. Defaults to None.
        thresholds: When a channel counts as dead, saturated or a duplicate. Defaults to None.
    """
    limits = thresholds or Thresholds()
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
    dead = finite.all(axis=0) & (highest - lowest <= limits.flat * largest)
    zeros = (flat == 0).mean(axis=0)
    correlations = similarity_by_image(values, inputs)
    bounded = at_bounds(flat, bounds)
    nearest = largest_channel_correlation(values)
    compared = np.isfinite(nearest)
    table = np.stack(
        [
            mean,
            spread,
            lowest,
            highest,
            zeros,
            mean_over_images(correlations),
            bounded,
            nearest,
        ],
        dtype=np.float32,
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
        "similarity": strongest(correlations),
        "output_change": change(maps, former),
        "saturated": float((bounded >= limits.saturated_values).sum()),
        "duplicates": _count(nearest[compared] >= limits.duplicate_correlation),
        "nonfinite": float(1 - finite.mean()),
        "nan": float(np.isnan(flat).mean()),
    }
    return LayerNumbers(numbers, table, dead)


def change(maps: Floats, former: Floats | None) -> float:
    """Return the norm of the difference of two snapshots' maps over the norm of the former one."""
    if former is None or former.shape != maps.shape:
        return float("nan")
    now, then = np.float64(maps), np.float64(former)
    with np.errstate(all="ignore"):
        size = float(np.linalg.norm(then))
        return float(np.linalg.norm(now - then)) / size if size > 0 else float("nan")


def _count(found: npt.NDArray[np.bool_]) -> float:
    return float(found.sum()) if found.size else float("nan")
