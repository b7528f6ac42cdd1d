"""`GradCAM`: where in each probe image the model sees a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any, Unpack

from tbviz.callbacks.base import Visual
from tbviz.callbacks.options import ImageOptions
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.explanations import Explainer
from tbviz.callbacks.run.layout import Layout
from tbviz.callbacks.run.method_list import methods_of
from tbviz.callbacks.run.model_view import ModelView
from tbviz.methods.cams.cam import Cam
from tbviz.methods.cams.maps import NO_RESPONSE, layer_maps
from tbviz.methods.cams.registry import cam_of
from tbviz.scores.gradients import ClassGradients, class_gradients
from tbviz.scores.target import Targets
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import LayerNotFoundError, cam_layer, select


class GradCAM(Visual):
    """Log class activation maps: where in each probe image the model sees a class.

    A map on the background means that the class is recognized by its surroundings. Maps are stored
    at the size of the layer and in the unit of the score before softmax; the page lays them over
    the photograph. With the activations `A_k` of a layer's channels and the class score `y`,
    Grad-CAM is

        ReLU(sum_k w_k A_k),  w_k = mean_ij dy / dA_k(i, j)

    The other methods differ in the weights `w_k`.

    Args:
        layers: Defaults to None: the last layer with feature maps, at any depth of nesting.
        method: `"grad-cam"`, `"grad-cam++"`, `"hirescam"`, `"layercam"`, `"score-cam"` (one pass
            of the model for each of the 64 strongest channels) or `"eigen-cam"` (one map for all
            classes); an object with settings of its own, such as
            `tbviz.methods.cams.score_cam.ScoreCam(channels=16)`; or a list of these.

    References:
        Selvaraju et al. 2017, "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based
        Localization", equations 1 and 2. The modules in `tbviz.methods.cams` name the papers of
        the other methods.

    Example:
        >>> x_val.shape, y_val.shape
        ((1000, 32, 32, 3), (1000,))
        >>> cams = tbviz.GradCAM(
        ...     "logs/run",
        ...     x_val[:4],
        ...     y_val[:4],
        ...     method=["grad-cam", "layercam"],
        ...     targets=["true", tbviz.Target("true", against=3)],
        ... )
        >>> model.fit(x, y, callbacks=[cams])  # 4 sheets of 2 tiles per method and epoch
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        *,
        layers: Any = None,
        method: str | Cam | Sequence[str | Cam] = "grad-cam",
        targets: Targets | None = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__(log_dir, images, labels, layers=layers, **options)
        self.cams = methods_of("GradCAM", method, cam_of)
        self._explainer = Explainer(self.title, targets, self.output)

    @property
    def title(self) -> str:
        """The class name, and the method if there is one that is not Grad-CAM."""
        names = [cam.name for cam in self.cams]
        title = super().title
        return title if len(names) > 1 or names == ["grad-cam"] else f"{title} {names[0]}"

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers whose maps are drawn."""
        if self.layers is not None:
            return select(model_outputs, self.layers)
        try:
            return [cam_layer(model_outputs, self._explainer.output)]
        except LayerNotFoundError:
            return []

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Add one picture per layer and method, with one tile per target."""
        if not self.selected:
            return
        explanation = self._explainer.explain(self, view, log)
        if explanation is None:  # a notice has said why
            return
        if not any(cam.class_specific for cam in self.cams):
            explanation = explanation.first()
        found: dict[str, ClassGradients] = {}
        for cam in self.cams:
            shown = explanation if cam.class_specific else explanation.first()
            for output in self.selected:
                with log.guard(output.key):
                    found = found or explanation.once(
                        lambda one: class_gradients(
                            view.inspector, self.selected, one.perturbed.inputs, one.class_target
                        )
                    )
                    maps = {
                        role: layer_maps(cam, output.key, found[role], one.perturbed)
                        for role, one in shown.targets.items()
                    }
                    kind = "cam" if cam.name == "grad-cam" else f"cam:{cam.name}"
                    layout: Layout = {"method": cam.name, "title": cam.title}
                    log.add(shown.picture(kind, output.key, maps, NO_RESPONSE, cam.target, layout))
