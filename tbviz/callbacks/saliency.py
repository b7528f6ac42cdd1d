"""`Saliency`: which pixels of each probe image a class score comes from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Unpack

from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.explanations import Explainer, Explanation
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.method_list import methods_of
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.methods.saliency.attribution import Attributed, Attribution
from tbviz.methods.saliency.maps import NO_EFFECT
from tbviz.methods.saliency.registry import attribution_of
from tbviz.scores.target import Targets
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
        targets: Targets | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, **options)
        self.attributions = methods_of("Saliency", method, attribution_of)
        self._explainer = Explainer(self.title, targets, self.output)

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select no layer: the pictures belong to the whole model."""
        if self.probe is not None and image_input_index(self.probe.inputs) is None:
            log.notice(f"left out: this model has no {self.needs}", level="info", event="left_out")

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per method, with one tile per target."""
        probe, _ = view.probe_of(self)
        if image_input_index(probe.inputs) is None:
            return
        for attribution in self.attributions:
            with log.guard(part=attribution.name):
                explanation = self._explainer.explain(self, view, log)
                if explanation is None:  # a notice has said why
                    return
                log.add(self._picture(explanation, attribution))

    def _picture(self, explanation: Explanation, attribution: Attribution) -> GrayPicture:
        """Return the picture of one method."""
        found = explanation.once(lambda one: attribution.attribute(one.perturbed, one.class_target))
        layout: Layout = {
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
    """Return by image a note if the sum of its map is not what it should be."""
    if found.completeness is None:
        return {}
    return {
        index: f"the map adds up to {share:.0%} of the difference that it explains, not 100 %"
        for index, share in enumerate(found.completeness)
        if not abs(share - 1) <= INCOMPLETE
    }
