"""Compute occlusion: the fall of the score if a patch hides a part of the image.

Zeiler and Fergus 2014, "Visualizing and Understanding Convolutional Networks",
https://arxiv.org/abs/1311.2901, section 4.2.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from tbviz.errors import TbvizError
from tbviz.methods.perturbed_model import PerturbedModel
from tbviz.methods.saliency.attribution import Attributed, Attribution
from tbviz.scores.class_target import ClassTarget, target_scores


@dataclass(frozen=True)
class Occlusion(Attribution):
    """The fall of the score, the mean over all windows that cover a pixel.

    The patch has the mean color of all images, which is in their range in any case.

    Args:
        window: Height and width of the patch as a share of the image's. Defaults to 0.2.
        stride: From one window to the next, likewise; the first and the last touch the edges. Each
            window costs a pass: 8 x 8 of them. Defaults to 0.115.
    """

    window: float = 0.2
    stride: float = 0.115

    name: ClassVar[str] = "occlusion"
    title: ClassVar[str] = "Occlusion"
    signed: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not 0 < self.window <= 1 or not 0 < self.stride <= self.window:
            msg = (
                f"Occlusion received window={self.window}, stride={self.stride}; expected shares "
                "of the image's sides up to 1, the stride not above the window"
            )
            raise TbvizError(msg)

    def attribute(self, perturbed: PerturbedModel, class_target: ClassTarget) -> Attributed:
        """Compute the maps with one pass per window; other classes cost nothing more."""
        windows = self.windows(perturbed.size)

        def hide(index: int) -> npt.NDArray[np.float32]:
            image = perturbed.images[index]
            return np.where(windows[..., None], perturbed.mean, image)

        hidden = perturbed.evaluate(self, hide).scores
        with np.errstate(invalid="ignore", over="ignore"):
            falls = target_scores(perturbed.unperturbed.scores, class_target) - target_scores(
                hidden, class_target
            )
            sums = np.zeros((len(falls), *perturbed.size))
            for number, covered in enumerate(windows):
                sums[:, covered] += falls[:, number, None]
            return Attributed(np.asarray(sums / windows.sum(axis=0), np.float32))

    def windows(self, size: tuple[int, int]) -> npt.NDArray[np.bool_]:
        """Return the masks of all windows for a height and width, `(windows, height, width)`."""
        rows, columns = (self._spans(side) for side in size)
        return np.asarray(
            [row[:, None] & column[None, :] for row in rows for column in columns], bool
        )

    def _spans(self, side: int) -> list[npt.NDArray[np.bool_]]:
        length = max(1, round(self.window * side))
        needed = int(np.ceil((1 - self.window) / self.stride - 1e-9)) + 1
        # Enough windows to cover every pixel, even if lengths are rounded.
        count = min(max(needed, -(-side // length)), side - length + 1)
        starts = np.linspace(0, side - length, count).round().astype(int)
        pixels = np.arange(side)
        return [(start <= pixels) & (pixels < start + length) for start in starts]
