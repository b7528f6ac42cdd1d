"""`Saliency`: which pixels of each probe image a class score comes from."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.explanations import Explainer, Explanation
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.pictures import GrayPicture
from tbviz.callbacks.run.probe import ClassNames
from tbviz.callbacks.run.submodel import Submodel
from tbviz.errors import TbvizError
from tbviz.methods.saliency.attribution import Attributed, Attribution
from tbviz.methods.saliency.maps import NO_EFFECT
from tbviz.methods.saliency.registry import attribution_of
from tbviz.scores.target import Targets
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.image_inputs import image_input_index
from tbviz.taps.model_outputs import ModelOutputs

MAX_SIDE = 128
"""Maps are reduced to this many pixels per side."""

INCOMPLETE = 0.05
"""Integrated gradients whose sum is off by more than this share say so in the caption."""


class Saliency(Visual):
    """Logs which pixels of each image the score of the predicted class comes from, and of the true.

    Maps are at the input's size, up to 128 pixels a side, and unscaled. Of a model of several
    images the first is explained.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image; with them the true class is shown beside the predicted.
        method: one or several of `"gradients"` and `"gradients-x-input"` (a pass each),
            `"smoothgrad"` (25), `"integrated-gradients"` (32), `"occlusion"` (64 an image) and
            `"guided-grad-cam"` (2); or one with settings of its own, such as
            `tbviz.methods.saliency.occlusion.Occlusion(window=0.1, stride=0.05)`.
        targets: What is explained, one tile per target: `"predicted"`, `"true"`, the index or the
            name of a class, an integer array with one class per image, a `tbviz.Target`, or a list
            of these. Defaults to `["predicted", "true"]`, without the true class if there are no
            labels.
        output: The index or the name of the model's output that is explained, if the model has
            several. Defaults to the first.
        class_names: The name of each class, in order or as a dict of names to classes. For a model
            with several outputs also a dict of these by output.
        schedule: when to capture. Defaults to the end of every epoch.
        submodel: the model to capture if it is not the fitted one, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        max_overhead: share of training time that all callbacks of the fit together may take,
            such as 0.05. They capture less often to stay below it. Defaults to no limit.
        max_disk: bytes that the run's store may have, or a text such as `"5 GB"`. Defaults to no
            limit.
        strict: raise errors instead of reporting each one once and going on. Defaults to `False`.

    Raises:
        TbvizError: images, labels, method, targets, schedule, limits or `submodel` cannot be used.

    Example:
        >>> pixels = tbviz.Saliency("logs/run", x_val[:4], y_val[:4], ["smoothgrad", "occlusion"])
        >>> model.fit(x, y, callbacks=[pixels])
    """

    needs = "image among its inputs"

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        method: str | Attribution | Sequence[str | Attribution] = "gradients",
        *,
        targets: Targets | None = None,
        output: OutputName | None = None,
        class_names: ClassNames | None = None,
        schedule: ScheduleLike = "epoch",
        submodel: Submodel = None,
        max_overhead: float | None = None,
        max_disk: float | str | None = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            labels=labels,
            class_names=class_names,
            output=output,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        several = [method] if isinstance(method, str | Attribution) else list(method)
        self.attributions = [attribution_of(one) for one in several]
        names = [attribution.name for attribution in self.attributions]
        if not names or len(set(names)) < len(names):
            msg = f"Saliency received the methods {names}; expected at least one, each once"
            raise TbvizError(msg)
        self._explainer = Explainer(self.title, targets, output)

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
    """By image, that the sum of its map is not what it should be."""
    if found.completeness is None:
        return {}
    return {
        index: f"the map adds up to {share:.0%} of the difference that it explains, not 100 %"
        for index, share in enumerate(found.completeness)
        if not abs(share - 1) <= INCOMPLETE
    }
