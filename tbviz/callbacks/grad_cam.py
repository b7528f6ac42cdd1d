"""`GradCAM`: where in each probe image the model sees a class."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tbviz.callbacks.base import ScheduleLike, Visual
from tbviz.callbacks.pictures import Maps
from tbviz.errors import TbvizError
from tbviz.methods.cams import grad_cam
from tbviz.taps.looker import PREDICTED, ClassGradients, Looker, Recording
from tbviz.taps.select import cam_layer, select
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
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: images, labels, method or schedule cannot be used.
    """

    def __init__(  # noqa: PLR0913  (the choices a user has)
        self,
        log_dir: str | os.PathLike[str],
        images: Any,
        labels: Any = None,
        layer: Any = None,
        method: str = "grad-cam",
        *,
        class_names: Sequence[str] | None = None,
        schedule: ScheduleLike = "epoch",
        strict: bool = False,
    ) -> None:
        super().__init__(
            log_dir,
            images=images,
            labels=labels,
            class_names=class_names,
            layers=layer,
            schedule=schedule,
            strict=strict,
        )
        if method not in _METHODS:
            msg = f"GradCAM received method={method!r}; it has {', '.join(map(repr, _METHODS))}"
            raise TbvizError(msg)
        self._combine = _METHODS[method]
        self._name = method

    def wanted(self, survey: Survey) -> list[Output]:
        """The one layer, which need not be recorded for it."""
        if self.layers is None:
            return [cam_layer(survey)]
        return select(survey, self.layers, lambda output: len(output.shape) == 4)[-1:]

    def look(self, model: Any) -> None:
        """Adds one picture with a tile a role: predicted, true."""
        session = self.session
        recording = session.recording(model)
        probe, places = session.probe_of(self)
        looker = session.look_into(model)
        for output in self.chosen:
            with self.boundary(output.key):
                self._draw(looker, output, recording, probe.inputs, places)

    def _draw(
        self,
        looker: Looker,
        output: Output,
        recording: Recording,
        inputs: Any,
        places: list[int],
    ) -> None:
        session = self.session
        probe = session.probe_of(self)[0]
        predicted = looker.class_gradients(output, inputs, np.full(probe.count, PREDICTED))
        found = {"predicted": predicted}
        classes = recording.scores.shape[1]
        if probe.labels is not None and max(probe.labels) < classes and min(probe.labels) >= 0:
            labels = np.asarray(probe.labels, dtype=np.int64)
            same = np.array_equal(labels, predicted.classes)
            found["true"] = predicted if same else looker.class_gradients(output, inputs, labels)
        elif probe.labels is not None:
            session.notice(
                self.method,
                f"labels go up to {max(probe.labels)}, the model has {classes} classes",
                "the true class is left out; pass labels counted from 0",
            )
        target = looker.survey(inputs).head.target
        tiles = np.stack(
            [self._combine(f.activations, f.gradients) for f in found.values()], axis=1
        )
        texts = [
            {
                "tiles": [
                    self._caption(role, one, index, recording, places[index], target)
                    for role, one in found.items()
                ],
                **_note(tiles[index]),
            }
            for index in range(probe.count)
        ]
        layout = {"roles": list(found), "method": self._name, "target": target}
        session.add(Maps("cam", output.key, tiles, layout, texts, places))
        session.drew("cam", output.key)

    def _caption(  # noqa: PLR0913  (what a caption says)
        self,
        role: str,
        found: ClassGradients,
        index: int,
        recording: Recording,
        place: int,
        target: str,
    ) -> dict[str, Any]:
        label = int(found.classes[index])
        probabilities = recording.probabilities
        probe = self.session.probe
        return {
            "role": role,
            "class": label,
            "name": probe.class_name(label) if probe is not None else None,
            "probability": (
                None if probabilities is None else float(f"{probabilities[place, label]:.6g}")
            ),
            "score": float(f"{found.scores[index]:.6g}"),
            "target": target,
        }


def _note(tiles: npt.NDArray[np.float32]) -> dict[str, str]:
    """What a caption must not be silent about."""
    if not np.all(np.isfinite(tiles)):
        return {"note": "the map is not finite: the network puts out NaN or infinity"}
    if not np.any(tiles[0]):
        return {"note": "the map is zero: nothing in this layer raises the score"}
    return {}


