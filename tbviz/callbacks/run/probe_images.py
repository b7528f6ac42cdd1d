"""List the probe images of all submodels of a `fit`, and the predictions for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.callbacks.run.probe import ProbeArrays, image_names
from tbviz.callbacks.run.records import Predicted, predictions_of, probe_record
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.scores.recording import Recording


class Shown(Protocol):
    """What the list needs of the view of a submodel."""

    naming: SubmodelNaming

    @property
    def image_count(self) -> int:
        """How many probe images it has."""

    @property
    def shown_probe(self) -> ProbeArrays | None:
        """Its probe images."""


class ProbeImageList:
    """The list: the images of each view follow those of the views before.

    Args:
        log: Takes the images once, and the predictions at each position.
    """

    def __init__(self, log: CallbackLog) -> None:
        self._log = log
        self._views: list[Shown] = []
        self._written = False
        self._predicted: dict[int, Predicted] = {}
        # The predictions of this position, once they are logged. Later views fill in theirs.
        self._fields: dict[str, Any] | None = None

    def arrange(self, views: Sequence[Shown]) -> None:
        """Give numbers to the images of all views, in this order."""
        self._views = list(views)
        first = 0
        for view in views:
            view.naming.first_image = first
            first += view.image_count

    def begin_position(self) -> None:
        """Go to the next position, which has no predictions yet."""
        self._predicted.clear()
        self._fields = None

    def names(self, view: Shown) -> list[str]:
        """Return the names of a view's images, which are distinct among those of all views."""
        first = view.naming.first_image
        return image_names(self._probes())[first : first + view.image_count]

    def predict(self, view: Shown, recording: Recording, probe: ProbeArrays) -> None:
        """Log the images, if they are not logged yet, and a view's predictions for its own.

        Args:
            view: The view.
            recording: Of its model on its probe images.
            probe: Its probe images, with the labels of the output that was recorded.
        """
        if not self._written:
            self._written = True
            images = probe_record(self._probes())
            if images is not None:
                self._log.add(images)
        # An output of a submodel that is an image, such as a generator's, predicts no class.
        if view.naming.name != "" and recording.output.ndim != 2:
            return
        self._predicted[id(view)] = Predicted(recording, probe.labels)
        parts = [(one.image_count, self._predicted.get(id(one))) for one in self._views]
        fields = predictions_of(parts)
        if self._fields is None:
            self._fields = {"kind": "predictions", **fields}
            self._log.add(MetaRecord(self._fields))
        else:
            self._fields.update(fields)

    def _probes(self) -> list[ProbeArrays]:
        return [probe for view in self._views if (probe := view.shown_probe) is not None]
