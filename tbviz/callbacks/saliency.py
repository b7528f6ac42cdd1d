"""`Saliency`: which pixels of each probe image a class score comes from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import partial
from typing import Any, Unpack

from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.error_boundary import boundary
from tbviz.callbacks.run.explanations import Explanation, once
from tbviz.callbacks.run.method_list import methods_of
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.run_log import RunLog
from tbviz.callbacks.run.targets import Targets
from tbviz.methods.saliency.attribution import Attributed, Attribution
from tbviz.methods.saliency.maps import NO_EFFECT
from tbviz.methods.saliency.registry import attribution_of
from tbviz.taps.image_inputs import image_input_index
from tbviz.taps.model_outputs import ModelOutputs

MAX_SIDE = 128
"""Maps are reduced to this many pixels per side."""

INCOMPLETE = 0.05
"""Integrated gradients whose sum is off by more than this share say so in the caption."""


class Saliency(Visual):
    """Log the effect of each pixel of the probe images on the score of a class.

    Maps are at the size of the input, up to 128 pixels per side, and in the unit of the score
    before softmax per unit of the input, or of the score if the method multiplies by the input. If
    a model takes several images, the first one is explained. With the class score `y` and a pixel
    `x`, `"gradients"` is the largest over the color channels of

        |dy / dx|

    Args:
        method: `"gradients"` and `"gradients-x-input"` (one pass each), `"smoothgrad"` (25 passes),
            `"integrated-gradients"` (32), `"occlusion"` (64 per image) or `"guided-grad-cam"` (2);
            an object with settings of its own, such as
            `tbviz.methods.saliency.occlusion.Occlusion(window=0.1, stride=0.05)`; or a list of
            these.

    References:
        Simonyan, Vedaldi and Zisserman 2014, "Deep Inside Convolutional Networks", section 3. The
        modules in `tbviz.methods.saliency` name the papers of the other methods.

    Example:
        >>> x_val.shape, y_val.shape
        ((1000, 32, 32, 3), (1000,))
        >>> pixels = tbviz.Saliency(
        ...     "logs/run", x_val[:4], y_val[:4], method=["smoothgrad", "occlusion"]
        ... )
        >>> model.fit(x, y, callbacks=[pixels])  # 4 sheets of 32 x 32 maps per method and epoch
    """

    needs = "image among its inputs"

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        method: str | Attribution | Sequence[str | Attribution] = "gradients",
        targets: Sequence[Any] | str | int | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, **options)
        self.attributions = methods_of("Saliency", method, attribution_of)
        self._targets = Targets(self.title, targets)

    def prepare(self, model_outputs: ModelOutputs, run_log: RunLog) -> None:
        """Select no layer: the pictures belong to the whole model."""
        if self.probe is not None and image_input_index(self.probe.inputs) is None:
            text = f"left out: this model has no {self.needs}"
            run_log.notice(self.method, text, level="info", event="left_out")

    def capture(self, view: ModelView, run_log: RunLog) -> None:
        """Add one picture per method, with one tile per target."""
        probe, rows = view.probe_of(self)
        if image_input_index(probe.inputs) is None:
            return
        for attribution in self.attributions:
            name = f"{self.method} {attribution.name}"
            with boundary(run_log, name, strict=self.strict):
                class_targets = self._targets.class_targets(view, run_log, probe, rows)
                if not class_targets:  # a notice has said so
                    return
                explanation = Explanation.of_targets(class_targets, view, probe, rows)
                run_log.add(self._picture(explanation, attribution))

    def _picture(self, explanation: Explanation, attribution: Attribution) -> GrayPicture:
        """Return the picture of one method."""
        found = once(
            explanation.class_targets, partial(attribution.attribute, explanation.perturbed)
        )
        layout = {
            "method": attribution.name,
            "title": attribution.title,
            "signed": attribution.signed,
        }
        return explanation.picture(
            f"saliency:{attribution.name}",
            "",
            {role: one.maps for role, one in found.items()},
            NO_EFFECT,
            attribution.target,
            layout,
            {role: _incomplete(one) for role, one in found.items()},
            max_side=MAX_SIDE,
        )


def _incomplete(found: Attributed) -> dict[int, str]:
    """By image, that the sum of its map is not what it should be."""
    if found.completeness is None:
        return {}
    return {
        index: f"the map adds up to {share:.0%} of the difference that it explains, not 100 %"
        for index, share in enumerate(found.completeness)
        if not abs(share - 1) <= INCOMPLETE
    }
