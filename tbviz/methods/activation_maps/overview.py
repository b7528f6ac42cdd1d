"""Show the first maps of the first layers side by side, from edges to parts.

The first figure of many tutorials (Chollet, "Deep Learning with Python", 2021, section 9.4.1):
one column per layer shows how maps become coarse and sparse with depth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.arrays.resample import resize
from tbviz.arrays.types import Floats

if TYPE_CHECKING:
    import keras

    from tbviz.taps.model_outputs import ModelOutputs
    from tbviz.taps.outputs import Output


MAX_LAYERS = 15
"""The number of layers, from the input on."""

MAX_MAPS = 6
"""The number of maps of each layer."""

SIDE = 48
"""The longer side of every tile in pixels."""


@dataclass(frozen=True)
class Overview:
    """The first maps of the first layers.

    Attributes:
        tiles: `(images, maps * layers, height, width)`, row by row: the first map of every layer,
            then the second. A layer that has no such map has zeros there.
        layers: Path of the layer of each column.
        titles: Its name, as much of the path as makes it unique.
        maps: The number of rows.
    """

    tiles: Floats
    layers: list[str]
    titles: list[str]
    maps: int


def activation_overview(
    model: keras.Model,
    images: Any,
    *,
    max_layers: int = MAX_LAYERS,
    max_maps: int = MAX_MAPS,
    side: int = SIDE,
) -> Overview:
    """Record the first maps of the first layers of a model.

    Laid out with one column per layer, they show how maps become coarse and sparse with depth
    (Chollet 2021, "Deep Learning with Python", section 9.4.1,
    https://www.manning.com/books/deep-learning-with-python-second-edition).

    Args:
        model: Any built Keras model.
        images: A batch, in the structure that the model takes.
        max_layers: How many layers at most: those of `overview_layers`. Defaults to 15.
        max_maps: How many maps of each layer at most. Defaults to 6.
        side: The longer side of a tile in pixels. Defaults to 48.

    Raises:
        TbvizError: If no layer of the model has feature maps.

    Example:
        >>> found = tbviz.methods.activation_overview(model, x_val[:4], max_layers=5, max_maps=8)
        >>> found.tiles.shape  # 5 x 8 tiles per image
        (4, 40, 48, 48)
    """
    from tbviz.scores.recording import record
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import LayerNotFoundError

    inspector = inspector_for(model)
    selected = overview_layers(inspector.model_outputs(images), max_layers)
    if not selected:
        raise LayerNotFoundError("no layer of this model has feature maps")
    return overview_of(record(inspector, selected, images).maps, max_maps, side)


def overview_layers(model_outputs: ModelOutputs, limit: int = MAX_LAYERS) -> list[Output]:
    """Return the first convolutions, poolings, activations, merges and attentions with maps.

    If a model has none of these, its first layers with maps of any kind are returned. Rescaling and
    augmentation layers are left out, since their output is still the image.
    """
    from tbviz.taps import select
    from tbviz.taps.outputs import is_attention

    found = [o for o in model_outputs.outputs.values() if o.spatial and o.whole]
    found = [o for o in found if not select.is_preprocessing(o)]
    kinds = (
        select.is_convolution,
        select.is_pooling,
        select.is_activation,
        select.is_merge,
        is_attention,
    )
    usual = [o for o in found if any(kind(o) for kind in kinds)]
    return (usual or found)[:limit]


def overview_of(maps: dict[str, Floats], limit: int = MAX_MAPS, side: int = SIDE) -> Overview:
    """Arrange the maps of layers as an overview, in their order.

    Args:
        maps: Layer path to `(images, height, width, channels)`, at least one.
        limit: How many maps of each layer; fewer if none has so many. Defaults to MAX_MAPS.
        side: The longer side of a tile; its shape is that of the first layer's maps. Defaults to
            SIDE.
    """
    values = list(maps.values())
    rows = min(limit, max(value.shape[-1] for value in values))
    height, width = values[0].shape[1:3]
    longer = max(height, width)
    size = max(1, round(side * height / longer)), max(1, round(side * width / longer))
    tiles = np.zeros((len(values[0]), rows, len(values), *size), np.float32)
    for column, value in enumerate(values):
        first = np.moveaxis(value[..., :rows], -1, 1)
        tiles[:, : first.shape[1], column] = in_pixels(first, size)
    shape = (len(tiles), rows * len(values), *size)
    return Overview(tiles.reshape(shape), list(maps), short_names(list(maps)), rows)


def in_pixels(maps: Floats, size: tuple[int, int]) -> Floats:
    """Resize maps `(..., h, w)`: areas are averaged if they shrink, pixels repeated if they grow.

    A smoothed map of four pixels per side would look finer than the layer sees.
    """
    height, width = maps.shape[-2:]
    if height > size[0] or width > size[1]:
        small = min(height, size[0]), min(width, size[1])
        maps = resize(maps, small).astype(np.float32)
        height, width = small
    rows = (np.arange(size[0]) * 2 + 1) * height // (2 * size[0])
    columns = (np.arange(size[1]) * 2 + 1) * width // (2 * size[1])
    enlarged: Floats = maps[..., rows[:, None], columns]
    return enlarged


def short_names(paths: Sequence[str]) -> list[str]:
    """Return the last part of each path, and as many before it as make it unique."""
    parts = [path.split("/") for path in paths]
    taken = [1] * len(parts)
    while True:
        names = ["/".join(part[-count:]) for part, count in zip(parts, taken, strict=True)]
        shared = {name for name, count in Counter(names).items() if count > 1}
        more = [
            index
            for index, name in enumerate(names)
            if name in shared and taken[index] < len(parts[index])
        ]
        if not more:
            return names
        for index in more:
            taken[index] += 1
