"""`GradCAM`: where in each probe image the model sees a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import Visual
from tbviz.callbacks.journal import Journal
from tbviz.callbacks.pictures import Maps
from tbviz.callbacks.probe import Probe
from tbviz.callbacks.records import six_digits
from tbviz.callbacks.schedule import ScheduleLike
from tbviz.callbacks.subject import Of
from tbviz.callbacks.view import View
from tbviz.errors import TbvizError
from tbviz.methods.cams import grad_cam
from tbviz.taps.looker import PREDICTED, ClassGradients
from tbviz.taps.select import LayerNotFoundError, cam_layer, select
from tbviz.taps.survey import Output, Survey

_METHODS = {"grad-cam": grad_cam.combine}


class GradCAM(Visual):
    """Logs class activation maps of the predicted class, and beside it of the true one.

    Maps are stored at the layer's own size and unscaled; the page lays them over the photograph.

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images as the model takes them; arrays, a dataset, a callable, or paths.
        labels: the class of each image; with them the true class is shown beside the predicted.
        layer: which layer; the last with a feature map, at any depth of nesting, unless given.
        method: `"grad-cam"`.
        class_names: name of each class.
        schedule: when to look; at every epoch's end unless given.
        of: the model to look into where it is not the one that is fitted, such as a GAN's
            `"discriminator"`: a path of attributes, or a function of the fitted model.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, method, schedule or `of` cannot be used.
    """

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        layer: Any = None,
        method: str = "grad-cam",
        *,
        class_names: Sequence[str] | None = None,
        schedule: ScheduleLike = "epoch",
        of: Of = None,
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            labels=labels,
            class_names=class_names,
            layers=layer,
            schedule=schedule,
            of=of,
            strict=strict,
        )
        if method not in _METHODS:
            msg = f"GradCAM received method={method!r}; it has {', '.join(map(repr, _METHODS))}"
            raise TbvizError(msg)
        self._combine = _METHODS[method]
        self._name = method

    def wanted(self, survey: Survey) -> list[Output]:
        """The one layer."""
        if self.layers is not None:
            return select(survey, self.layers)[-1:]
        try:
            return [cam_layer(survey)]
        except LayerNotFoundError:
            return []

    def look(self, view: View, journal: Journal) -> None:
        """Adds one picture with a tile a role: predicted, true."""
        for output in self.chosen:
            with self.boundary(journal, output.key):
                probe, places = view.probe_of(self)
                found = self._gradients(view, journal, output, probe)
                tiles = np.stack(
                    [self._combine(one.activations, one.gradients) for one in found.values()],
                    axis=1,
                )
                texts = [
                    {
                        "tiles": [
                            _caption(role, one, view, probe, index, places[index])
                            for role, one in found.items()
                        ],
                        **_note(tiles[index]),
                    }
                    for index in range(probe.count)
                ]
                layout = {
                    "roles": list(found),
                    "method": self._name,
                    "target": view.survey.head.target,
                }
                journal.add(Maps("cam", output.key, tiles, layout, texts, places))

    def _gradients(
        self, view: View, journal: Journal, output: Output, probe: Probe
    ) -> dict[str, ClassGradients]:
        """By role. The true class is left out where the labels are no classes of the model."""
        predicted = view.looker.class_gradients(
            output, probe.inputs, np.full(probe.count, PREDICTED)
        )
        found = {"predicted": predicted}
        head = view.survey.head
        if probe.labels is None or head.classes < 2:
            return found
        labels = np.array([-1 if label is None else label for label in probe.labels], np.int64)
        if labels.min() < 0 or labels.max() >= head.classes:
            if head.kind == "linear":  # a regression: whole numbers, but no classes
                return found
            journal.notice(
                self.method,
                f"the labels go from {labels.min()} to {labels.max()}, the model has "
                f"{head.classes} classes; maps of the true class are left out",
                "pass labels counted from 0",
            )
            return found
        same = np.array_equal(labels, predicted.classes)
        found["true"] = (
            predicted if same else view.looker.class_gradients(output, probe.inputs, labels)
        )
        return found


def _caption(
    role: str, found: ClassGradients, view: View, probe: Probe, index: int, place: int
) -> dict[str, Any]:
    label = int(found.classes[index])
    probabilities = view.recording.probabilities
    return {
        "role": role,
        "class": label,
        "name": probe.class_name(label),
        "probability": None if probabilities is None else six_digits(probabilities[place, label]),
        "score": six_digits(found.scores[index]),
        "target": view.survey.head.target,
    }


def _note(tiles: npt.NDArray[np.float32]) -> dict[str, str]:
    """What a caption must not be silent about."""
    if not np.all(np.isfinite(tiles)):
        return {"note": "the map is not finite: the network puts out NaN or infinity"}
    if not np.any(tiles[0]):
        return {"note": "the map is zero: nothing in this layer raises the score"}
    return {}
