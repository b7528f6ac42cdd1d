"""Recordings: what a model put out on a probe."""

from __future__ import annotations

from dataclasses import dataclass

from tbviz.arrays.types import Floats
from tbviz.taps.tap import unreached


class FeatureMaps(dict[str, Floats]):
    """Layers' outputs, or derivatives in them, by key; says why where a layer has none."""

    def __missing__(self, key: str) -> Floats:
        raise unreached(key)


@dataclass(frozen=True)
class Recording:
    """What a model put out on one probe.

    Attributes:
        maps: key to `(images, height, width, channels)`, or whatever rank the layer has, float32.
        output: the model's first output.
        scores: `(images, classes)` before softmax or sigmoid.
        probabilities: the same after it, `None` where the model has none.
    """

    maps: FeatureMaps
    output: Floats
    scores: Floats
    probabilities: Floats | None
