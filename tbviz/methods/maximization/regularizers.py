"""Compute penalties of images, and the Gram cosine of the images of one channel."""

from __future__ import annotations

from typing import Any

from keras import ops


def total_variation(images: Any) -> Any:
    """Return the mean step between neighbors, down and across: `mean|dy| + mean|dx|`, `(images,)`.

    Rudin, Osher and Fatemi 1992, https://doi.org/10.1016/0167-2789(92)90242-F; for images that
    explain a network Mahendran and Vedaldi 2015, https://arxiv.org/abs/1412.0035, equation 4, here
    with beta = 1 and a mean in place of a sum, so that no size is favored.
    """
    down = ops.abs(images[:, 1:] - images[:, :-1])
    across = ops.abs(images[:, :, 1:] - images[:, :, :-1])
    return _mean(down) + _mean(across)


def contrast(images: Any) -> Any:
    """Return the mean squared distance from even gray, `(images,)`: L2 of Simonyan et al. 2014."""
    return _mean(ops.square(images - 0.5))


def gram_cosine(features: Any, copies: int) -> Any:
    """Return the mean cosine of the Gram matrices of one channel's images in a layer.

    Olah et al. 2017, "Feature Visualization", https://doi.org/10.23915/distill.00007, section
    "Diversity", where the sum is over all pairs.

    Args:
        features: `(images, points, channels)`, `copies` images after each other for each channel.
        copies: How many, above 1.

    Returns:
        `(images,)`, the mean over the other images of the same channel, 0 to 1.
    """
    count, points, channels = (int(size) for size in features.shape)
    if channels <= points:
        grams = ops.reshape(ops.matmul(ops.transpose(features, (0, 2, 1)), features), (count, -1))
        grams = ops.reshape(grams, (count // copies, copies, -1))
        products = ops.matmul(grams, ops.transpose(grams, (0, 2, 1)))
    else:  # the same numbers: <A'A, B'B> = |AB'|^2
        apart = ops.reshape(features, (count // copies, copies * points, channels))
        crossed = ops.square(ops.matmul(apart, ops.transpose(apart, (0, 2, 1))))
        crossed = ops.reshape(crossed, (count // copies, copies, points, copies, points))
        products = ops.sum(crossed, axis=(2, 4))
    norms = ops.sqrt(ops.maximum(ops.diagonal(products, axis1=1, axis2=2), 1e-12))
    cosines = products / (ops.expand_dims(norms, 1) * ops.expand_dims(norms, 2))
    own = ops.diagonal(cosines, axis1=1, axis2=2)
    return ops.reshape((ops.sum(cosines, axis=2) - own) / (copies - 1), (count,))


def _mean(values: Any) -> Any:
    flat = ops.reshape(values, (values.shape[0], -1))
    # An image of one pixel has no step.
    return ops.sum(flat, axis=1) / max(int(flat.shape[1]), 1)
