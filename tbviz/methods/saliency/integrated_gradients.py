"""Compute integrated gradients: the contribution of each pixel on the path from a black image.

Sundararajan et al. 2017, "Axiomatic Attribution for Deep Networks",
https://arxiv.org/abs/1703.01365.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tbviz.errors import TbvizError
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attributed, Attribution, total
from tbviz.scores.class_target import ClassTarget, target_scores


@dataclass(frozen=True)
class IntegratedGradients(Attribution):
    """Equation 1, summed over the colors.

    The Gauss-Legendre rule computes the integral. Completeness (proposition 1): the sum of a map
    equals the score of the image minus that of the baseline. The result states how nearly it does.

    Args:
        points: Of the rule; each costs a forward and a backward pass. Defaults to 32.
        baseline: Value of the image that the path starts from. Defaults to black, learned from
            the images.
    """

    points: int = 32
    baseline: float | None = None

    name: ClassVar[str] = "integrated-gradients"
    title: ClassVar[str] = "Integrated gradients"
    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if self.points < 1:
            msg = f"IntegratedGradients received points={self.points}; expected at least 1"
            raise TbvizError(msg)

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps with one pass per point."""
        start = perturbed.range[0] if self.baseline is None else self.baseline
        nodes, weights = np.polynomial.legendre.leggauss(self.points)  # on -1 to 1
        with np.errstate(invalid="ignore", over="ignore"):
            path = perturbed.images.astype(np.float64) - start
            mean = np.zeros(path.shape)
            for node, weight in zip((nodes + 1) / 2, weights / 2, strict=True):
                mean += weight * perturbed.gradients(start + node * path, class_target)
            attributions = path * mean
            return Attributed(
                total(attributions), self._complete(attributions, perturbed, class_target)
            )

    def _complete(
        self, attributions: np.ndarray, perturbed: PerturbedModel, class_target: ClassTarget
    ) -> np.ndarray:
        """Return the sum as a share of the difference of scores, NaN if there is no difference."""
        end = perturbed.unperturbed.scores
        start = perturbed.filled(
            perturbed.range[0] if self.baseline is None else self.baseline
        ).scores
        difference = (target_scores(end, class_target) - target_scores(start, class_target))[:, 0]
        difference = np.where(difference == 0, np.nan, difference)
        return np.asarray(attributions.sum(axis=(1, 2, 3)) / difference)
