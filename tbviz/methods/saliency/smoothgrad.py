"""Compute SmoothGrad: the mean gradient over noisy copies of an image. Noise cancels out.

Smilkov et al. 2017, "SmoothGrad: removing noise by adding noise",
https://arxiv.org/abs/1706.03825.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tbviz.errors import TbvizError
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attributed, Attribution, largest
from tbviz.scores.class_target import ClassTarget


@dataclass(frozen=True)
class SmoothGrad(Attribution):
    """The mean of the signed derivatives, section 2, then the largest absolute over the colors.

    Args:
        samples: Noisy copies of each image; each costs a forward and a backward pass. Defaults to
            25.
        noise: Standard deviation of the noise, as a share of the range from black to white.
            Defaults to 0.15.
        seed: Of the noise, which is the same for every image, so that an image has the same map in
            any batch. Defaults to 0.
    """

    samples: int = 25
    noise: float = 0.15
    seed: int = 0

    name: ClassVar[str] = "smoothgrad"
    title: ClassVar[str] = "SmoothGrad"

    def __post_init__(self) -> None:
        if self.samples < 1 or not 0 <= self.noise < np.inf:
            msg = (
                f"SmoothGrad received samples={self.samples}, noise={self.noise}; expected at "
                "least 1 sample and a share of the input's range, such as 0.15"
            )
            raise TbvizError(msg)

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps with one pass per sample."""
        random = np.random.default_rng(self.seed)
        low, high = perturbed.range
        slopes = np.zeros(perturbed.images.shape, np.float64)
        for _ in range(self.samples):
            noise = random.normal(scale=self.noise * (high - low), size=perturbed.images.shape[1:])
            with np.errstate(invalid="ignore", over="ignore"):
                slopes += perturbed.gradients(perturbed.images + noise, class_target)
        return Attributed(largest(slopes / self.samples))
