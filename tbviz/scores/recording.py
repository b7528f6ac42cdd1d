"""Recordings: the outputs of a model on a probe batch."""

from __future__ import annotations

from dataclasses import dataclass

from tbviz.arrays.types import Floats
from tbviz.taps.tap import unreachable_error


class FeatureMaps(dict[str, Floats]):
    """Layers' outputs, or derivatives in them, by key; raises the reason if a layer has none."""

    def __missing__(self, key: str) -> Floats:
        raise unreachable_error(key)


@dataclass(frozen=True)
class Recording:
    """The outputs of a model on one probe batch.

    Attributes:
        maps: key to `(images, height, width, channels)`, or the layer's own rank, float32.
        output: the model's first output.
        scores: `(images, classes)` before softmax or sigmoid.
        probabilities: the same after it, `None` if the model has none.
    """

    maps: FeatureMaps
    output: Floats
    scores: Floats
    probabilities: Floats | None
