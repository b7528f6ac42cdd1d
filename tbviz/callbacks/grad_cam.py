"""`GradCAM`: where in each probe image the model sees a class."""

from __future__ import annotations

import os
from typing import Any

from tbviz.callbacks.base import Visual
from tbviz.callbacks.limits.schedule import ScheduleLike
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.explanations import Explainer
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import ClassNames
from tbviz.callbacks.run.submodel import Submodel
from tbviz.methods.cams.cam import Cam
from tbviz.methods.cams.maps import NO_RESPONSE, layer_maps
from tbviz.methods.cams.registry import cam_of
from tbviz.scores.gradients import ClassGradients, class_gradients
from tbviz.scores.target import Targets
from tbviz.taps.final_outputs import OutputName
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
        >>> cams = tbviz.GradCAM(
        ...     "logs/run", x_val[:4], y_val[:4], targets=["true", tbviz.Target(7)]
        ... )
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
            layers=layer,
            schedule=schedule,
            submodel=submodel,
            max_overhead=max_overhead,
            max_disk=max_disk,
            strict=strict,
        )
        self.cam = cam_of(method)
        self._explainer = Explainer(self.title, targets, output)

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
            return [cam_layer(model_outputs, self._explainer.output)]
        except LayerNotFoundError:
            return []

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per layer, with one tile per target."""
        if not self.selected:
            return
        limit = None if self.cam.class_specific else 1
        explanation = self._explainer.explain(self, view, log, limit)
        if explanation is None:  # a notice has said why
            return
        found: dict[str, ClassGradients] = {}
        for output in self.selected:
            with log.guard(output.key):
                found = found or explanation.once(
                    lambda one: class_gradients(
                        view.inspector, self.selected, one.perturbed.inputs, one.class_target
                    )
                )
                maps = {
                    role: layer_maps(self.cam, output.key, found[role], one.perturbed)
                    for role, one in explanation.targets.items()
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
