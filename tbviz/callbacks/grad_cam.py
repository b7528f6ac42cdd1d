"""`GradCAM`: where in each probe image the model sees a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.explanations import Explanation, once
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.submodel import Submodel
from tbviz.callbacks.run.targets import Targets
from tbviz.methods.cams.cam import Cam
from tbviz.methods.cams.maps import NO_RESPONSE, layer_maps
from tbviz.methods.cams.registry import cam_of
from tbviz.scores.gradients import ClassGradients, class_gradients
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import LayerNotFoundError, cam_layer, select


class GradCAM(Visual):
    """Logs class activation maps of the predicted class, and beside it of the true one.

    Maps are stored at the layer's own size and unscaled; the page lays them over the photograph.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image; with them the true class is shown beside the predicted.
        layer: which layers, each drawn; the last with a feature map, at any depth of nesting,
            unless given.
        method: `"grad-cam"`, `"grad-cam++"`, `"hirescam"`, `"layercam"`, `"score-cam"` (a pass
            of the model for each of the 64 strongest channels) or `"eigen-cam"` (the same map
            for all classes); or one with settings of its own, such as
            `tbviz.methods.cams.score_cam.ScoreCam(channels=16)`.
        targets: what is explained, one tile each: `"predicted"`, `"true"`, a class by number or
            name, an integer array of one class per image, or a pair (tuple) of these for the
            difference of two classes. Predicted, and true where there are labels, unless given.
        class_names: name of each class.
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
        >>> cams = tbviz.GradCAM("logs/run", x_val[:4], y_val[:4], targets=["true", ("true", 3)])
        >>> model.fit(x, y, callbacks=[cams])
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        layer: Any = None,
        method: str | Cam = "grad-cam",
        *,
        targets: Sequence[Any] | str | int | None = None,
        class_names: Sequence[str] | None = None,
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
            layers=layer,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.cam = cam_of(method)
        self._targets = Targets(self.title, targets)

    @property
    def title(self) -> str:
        """The class name, and the method if it is not Grad-CAM."""
        name = super().title
        return name if self.cam.name == "grad-cam" else f"{name} {self.cam.name}"

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers whose maps are drawn."""
        if self.layers is not None:
            return select(model_outputs, self.layers)
        try:
            return [cam_layer(model_outputs)]
        except LayerNotFoundError:
            return []

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per layer, with one tile per target."""
        if not self.selected:
            return
        probe, rows = view.probe_of(self)
        class_targets = self._targets.class_targets(view, log, probe, rows)
        if not class_targets:  # a notice has said that the targets cannot be given
            return
        if not self.cam.class_specific:
            class_targets = dict(list(class_targets.items())[:1])
        explanation = Explanation.of_targets(class_targets, view, probe, rows)
        inputs = explanation.probe.inputs
        found: dict[str, ClassGradients] = {}
        for output in self.selected:
            with log.guard(output.key):
                found = found or once(
                    explanation.class_targets,
                    lambda class_target: class_gradients(
                        view.inspector, self.selected, inputs, class_target
                    ),
                )
                maps = {
                    role: layer_maps(self.cam, output.key, one, explanation.perturbed)
                    for role, one in found.items()
                }
                layout: Layout = {"method": self.cam.name, "title": self.cam.title}
                log.add(
                    explanation.picture(
                        self._kind, output.key, maps, NO_RESPONSE, self.cam.target, layout
                    )
                )

    @property
    def _kind(self) -> str:
        return "cam" if self.cam.name == "grad-cam" else f"cam:{self.cam.name}"
