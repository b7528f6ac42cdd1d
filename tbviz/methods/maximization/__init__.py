"""Maximization: the input that excites a channel most, found by gradient ascent.

Four nouns, after Lucid: an image parametrization, transforms, an objective, and the ascent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tbviz.methods.maximization.ascent import Ascent, Maximized, maximize

if TYPE_CHECKING:
    import keras

    from tbviz.taps.select import Filter

__all__ = ["Ascent", "Maximized", "maximize_filters"]


def maximize_filters(
    model: keras.Model,
    layers: Filter | None = None,
    filters: int | Sequence[int] = 16,
    images: Any = None,
    settings: Ascent | None = None,
    seed: int = 0,
) -> dict[str, Maximized]:
    """For each channel of chosen layers, an image that excites it, from a blank start.

    Args:
        model: any built Keras model.
        layers: a filter; up to four convolutions spread over the depth unless given.
        filters: how many channels of each layer, or which.
        images: a batch from which size and range of the input are learnt; else the model's own
            input shape and a range of 0 to 1, or 0 to 255 where the model rescales by itself.
        settings: steps, rate and transforms of the ascent.
        seed: of the start and the transforms; the same seed gives the same images.

    Returns:
        Layer path to its images.

    Raises:
        TbvizError: a filter matches no layer with feature maps, or the input's size is unknown.
    """
    from tbviz.methods.feature_maps import choose_channels
    from tbviz.methods.maximization.canvas import canvas_of
    from tbviz.taps.looker import looker_of
    from tbviz.taps.select import default_convolutions, select

    looker = looker_of(model)
    canvas = canvas_of(model, images)
    survey = looker.survey(canvas.blank(1) if images is None else images)
    chosen = default_convolutions(survey, limit=4) if layers is None else select(survey, layers)
    return {
        output.key: maximize(
            looker,
            output,
            choose_channels(output.channels, filters),
            canvas,
            settings or Ascent(),
            seed,
        )
        for output in chosen
    }
