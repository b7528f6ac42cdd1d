"""Paint images: turn coefficients into a batch between 0 and 1."""

from __future__ import annotations

from typing import Any

import numpy as np
from keras import ops

from tbviz.methods.maximization.basis import Basis
from tbviz.methods.maximization.color import correlated
from tbviz.methods.maximization.transforms import Transforms, inside, turned


def to_image(
    coefficients: Any, basis: Basis, transforms: Transforms | None = None, view: Any = None
) -> Any:
    """Return the images that coefficients represent.

    Args:
        coefficients: Tensor `(images, channels, height, width)`; zeros are an even gray.
        basis: Of the coefficients.
        transforms: How a step sees the images. Defaults to none.
        view: Of this step, see `Transforms.draw`. Defaults to None.

    Returns:
        `(images, height, width, channels)`, between 0 and 1. Three channels are decorrelated
        colors, any other number is taken as it is.
    """
    images, channels, height, width = (int(size) for size in coefficients.shape)
    size = height, width
    if transforms is None:
        points = [ops.convert_to_tensor(np.arange(side, dtype=np.float32)) for side in size]
    else:
        points = transforms.points(size, view)
    rows, columns = (basis.line(side, line) for side, line in zip(size, points, strict=True))
    if transforms is not None and transforms.pad:
        rows, columns = rows * inside(height, points[0]), columns * inside(width, points[1])
    # Tensors first: torch does not multiply by numpy arrays.
    scaled = coefficients * ops.convert_to_tensor(basis.coefficient_scale(height, width))
    # Two large products, with a transposition between, take half the time of many small ones.
    lines = ops.matmul(ops.reshape(scaled, (-1, width)), columns)
    lines = ops.reshape(lines, (images * channels, height, -1))
    lines = ops.reshape(ops.transpose(lines, (1, 2, 0)), (height, -1))
    pixels = ops.matmul(ops.transpose(rows), lines)
    painted = [int(line.shape[0]) for line in points]
    pixels = ops.reshape(pixels, (*painted, images * channels))
    if transforms is not None and transforms.rotate:
        pixels = turned(pixels, view[3], transforms.margin(size))
    pixels = ops.reshape(pixels, (height, width, images, channels))
    return ops.sigmoid(correlated(ops.transpose(pixels, (2, 0, 1, 3))))
