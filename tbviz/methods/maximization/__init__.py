"""Find the input that activates a channel or a class most, by gradient ascent.

Four terms, after Lucid: an image parametrization (`basis`, `color`, `image`), `transforms`,
`objectives` (with `regularizers`), and the `ascent`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tbviz.methods.maximization.ascent import maximize
from tbviz.methods.maximization.classes import (
    Classes,
    MaximizedClasses,
    maximize_scores,
    select_classes,
)
from tbviz.methods.maximization.result import Maximized, require_signal
from tbviz.methods.maximization.settings import Ascent

if TYPE_CHECKING:
    import keras

    from tbviz.taps.final_outputs import OutputName
    from tbviz.taps.select import Filter


def maximize_filters(
    model: keras.Model,
    *,
    layers: Filter | None = None,
    filters: int | Sequence[int] = 16,
    images: Any = None,
    ascent: Ascent | None = None,
    seed: int = 0,
) -> dict[str, Maximized]:
    """Find an image that activates each channel of some layers, from a blank start.

    The image shows the pattern that a channel looks for. Gradient ascent maximizes the weighted
    mean of the channel over its map, on Fourier coefficients of the image (Olah et al. 2017,
    "Feature Visualization", https://distill.pub/2017/feature-visualization).

    Args:
        model: Any built Keras model.
        layers: Filter of layers, see `activations`. Defaults to None: up to four convolutions,
            spread over the depth.
        filters: How many channels of each layer, or a list of their numbers. Defaults to 16.
        images: A batch from which the size and the range of the input are learned. Defaults to
            None: the input shape of the model, and 0 to 1, or 0 to 255 if the model rescales.
        ascent: Steps, rate, image, transforms and penalties of the ascent. Defaults to None:
            `tbviz.Ascent()`.
        seed: Seed of the start and of the transforms. The same seed gives the same images.
            Defaults to 0.

    Returns:
        Layer path to its images, float32 `(channels, height, width, colors)`, 0 to 1, with the
        objective of each.

    Raises:
        TbvizError: If a filter matches no layer with feature maps, or the size of the input is
            unknown.

    Example:
        >>> found = tbviz.methods.maximize_filters(model, layers="conv3", filters=[0, 5, 9])
        >>> found["conv3"].images.shape
        (3, 32, 32, 3)
    """
    from tbviz.methods.activation_maps.feature_maps import select_channels
    from tbviz.methods.maximization.canvas import canvas_of
    from tbviz.taps.inspector import inspector_for
    from tbviz.taps.select import default_convolutions, select

    inspector = inspector_for(model)
    canvas = canvas_of(model, images)
    model_outputs = inspector.model_outputs(canvas.blank(1) if images is None else images)
    selected = (
        default_convolutions(model_outputs, limit=4)
        if layers is None
        else select(model_outputs, layers)
    )
    return {
        output.key: maximize(
            inspector,
            output,
            select_channels(output.channels, filters),
            canvas,
            ascent or Ascent(),
            seed,
        )
        for output in selected
    }


def maximize_classes(
    model: keras.Model,
    *,
    class_names: Sequence[str] | None = None,
    output: OutputName | None = None,
    classes: Classes | None = None,
    images: Any = None,
    ascent: Ascent | None = None,
    seed: int = 0,
) -> MaximizedClasses:
    """Find an image that raises the score of each class, from a blank start.

    Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks",
    https://arxiv.org/abs/1312.6034, equation 1.

    Args:
        model: Any built Keras model.
        class_names: Name of each class, for classes by name. Defaults to None.
        output: The index or the name of the output whose classes these are, for a model with
            several outputs. Defaults to None: the first.
        classes: Classes by number or by name. Defaults to None: the first ten.
        images: See `maximize_filters`. Defaults to None.
        ascent: See `maximize_filters`. Defaults to None: `tbviz.Ascent.of_classes()`.
        seed: See `maximize_filters`. Defaults to 0.

    Raises:
        TbvizError: If there is no such class or output, the size of the input is unknown, or all
            images are blank.

    Example:
        >>> careful = tbviz.Ascent.of_classes().careful()
        >>> found = tbviz.methods.maximize_classes(model, classes=[285, 967], ascent=careful)
        >>> found.images.shape
        (2, 224, 224, 3)
    """
    from tbviz.methods.maximization.canvas import canvas_of
    from tbviz.scores.output_head import head_of
    from tbviz.taps.inspector import inspector_for

    inspector = inspector_for(model)
    canvas = canvas_of(model, images)
    model_outputs = inspector.model_outputs(canvas.blank(1) if images is None else images)
    selected = select_classes(classes, head_of(model_outputs, output).classes, class_names)
    ascent = ascent or Ascent.of_classes()
    return require_signal(
        maximize_scores(inspector, model_outputs, selected, canvas, ascent, seed, output=output)
    )
