"""Compute Score-CAM: a channel's weight is the rise of the score if its map masks the image.

Wang et al. 2020, "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural
Networks", https://arxiv.org/abs/1910.01279. It needs no gradients: the model is run once per
channel, on the image masked by the channel's map.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tbviz.arrays.resample import enlarge
from tbviz.arrays.types import Doubles
from tbviz.errors import TbvizError
from tbviz.methods.cams.cam import Cam, Evidence


@dataclass(frozen=True)
class ScoreCam(Cam):
    """The weights are positive rises of confidence, definition 2, of the strongest channels.

    The masked part gets the mean color of all images. The rises are not put through a softmax over
    the channels as in algorithm 1 (nor are they in the authors' code), since a softmax makes rises
    of a probability nearly equal. A channel that lowers the confidence does not locate the class
    and counts as 0; if it were subtracted, it would erase the areas of other channels.

    Args:
        channels: How many channels of each image are used: the ones whose maps vary most, by
            standard deviation. Each costs one pass of the model per image. Defaults to 64.
    """

    channels: int = 64

    name: ClassVar[str] = "score-cam"
    title: ClassVar[str] = "Score-CAM"

    def __post_init__(self) -> None:
        if self.channels < 1:
            msg = f"ScoreCam received channels={self.channels}; expected at least 1"
            raise TbvizError(msg)

    def weights(self, evidence: Evidence) -> Doubles:
        """Compute equation 6; 0 for the channels that are not used."""
        if evidence.score_gain is None:
            msg = "Score-CAM runs the model; call tbviz.methods.grad_cam(..., method='score-cam')"
            raise TbvizError(msg)
        maps = np.moveaxis(evidence.activations, -1, 1).astype(np.float64)
        strongest = np.argsort(-maps.std(axis=(2, 3)), axis=1, kind="stable")[:, : self.channels]
        rises = evidence.score_gain(np.take_along_axis(maps, strongest[:, :, None, None], axis=1))
        weights = np.zeros(maps.shape[:2])
        np.put_along_axis(weights, strongest, np.maximum(rises, 0), axis=1)
        return weights[:, None, None, :]

    def target(self, score: str) -> str:
        """Describe the rise of confidence, which is explained instead of a score."""
        return f"rise of confidence through each channel, of the {self.channels} strongest at most"


def masks(maps: Doubles, size: tuple[int, int]) -> Doubles:
    """Enlarge maps `(..., h, w)` to the image's size and scale them to 0 to 1, equations 4 and 5.

    A constant map hides everything.
    """
    large = enlarge(maps, size)
    with np.errstate(invalid="ignore", over="ignore"):
        low = large.min(axis=(-2, -1), keepdims=True)
        width = large.max(axis=(-2, -1), keepdims=True) - low
        return np.asarray((large - low) / np.where(width == 0, 1.0, width))
