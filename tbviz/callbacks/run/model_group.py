"""Group the callbacks of one `fit` and log directory that capture the same model.

A generator's callbacks and a discriminator's share a session. Each group has a view of its model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tbviz.callbacks.limits.cost_meter import CostMeter
from tbviz.callbacks.run.callback_log import AllCallbacks, CallbackLog
from tbviz.callbacks.run.layer_tree import model_nodes
from tbviz.callbacks.run.member import Member
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe_images import ProbeImageList
from tbviz.callbacks.run.run_log import RunLog
from tbviz.callbacks.run.submodel import Submodel, find_submodel, not_callable
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.callbacks.run.weight_signature import signature
from tbviz.store.format.schema import FitPosition
from tbviz.taps.inspector import inspector_for
from tbviz.taps.model_outputs import ModelOutputs


class ModelGroup:
    """Callbacks with the same `submodel=`.

    Args:
        submodel: As the callbacks have it.
        run_log: Of the session.
        images: The probe images of all groups.
        is_taken: Whether layer paths of another group begin with a name.

    Attributes:
        submodel: See above.
        members: The callbacks.
        log: Bound to all of them together.
        view: Of the model.
        nodes: The layer tree as of the last snapshot.
    """

    def __init__(
        self,
        submodel: Submodel,
        run_log: RunLog,
        images: ProbeImageList,
        is_taken: Callable[[str], bool],
    ) -> None:
        self.submodel = submodel
        self.members: list[Member] = []
        self.nodes: list[dict[str, Any]] = []
        self._run_log = run_log
        self._is_taken = is_taken
        self._naming = SubmodelNaming(_name_of(submodel))
        self._author = AllCallbacks()
        self.log = run_log.bind(self._author, naming=self._naming)
        self.view = ModelView(self.log, images, self._naming)
        self._logs: dict[int, CallbackLog] = {}
        self._weights: int | None = None

    @property
    def name(self) -> str | None:
        """What the layer paths begin with, `""` for the fitted model, None if not known yet."""
        return self._naming.name

    def add(self, callback: Member) -> None:
        """Add a callback whose probe images the view has."""
        self.members.append(callback)
        self._logs[id(callback)] = self.bind(callback)
        self._author.strict |= callback.strict

    def remove(self, callback: Member) -> None:
        """Remove a callback."""
        self.members.remove(callback)
        del self._logs[id(callback)]

    def bind(self, callback: Member) -> CallbackLog:
        """Return a log for a callback of this group."""
        return self._run_log.bind(callback, self.view.caveat, self._naming)

    def log_of(self, callback: Member) -> CallbackLog:
        """Return the log of a callback."""
        return self._logs[id(callback)]

    def find(self, fitted: Any) -> Any:
        """Return the model as it is now.

        Args:
            fitted: The fitted model.

        Raises:
            TbvizError: If there is no such model.
        """
        found = find_submodel(fitted, self.submodel)
        if self._naming.name is None:
            name = str(found.name)
            names = [name, *(f"{name}_{number}" for number in range(2, 1000))]
            self._naming.name = next(one for one in names if not self._is_taken(one))
        return found

    def open(
        self,
        fitted: Any,
        costs: CostMeter,
        first: Member,
        now: tuple[FitPosition, int] | None = None,
    ) -> bool:
        """Inspect the model as it is now, and select its layers if they are new.

        Args:
            fitted: The fitted model.
            costs: Take the time.
            first: The callback that pays for it.
            now: If something is captured, the position and the optimizer steps so far; the weights
                are checked and remembered. Defaults to None: nothing is captured.

        Returns:
            Whether the layers are new.

        Raises:
            TbvizError: If the model cannot be captured.
        """
        model = self.find(fitted)
        with costs.measure(first.callback_id, inspector_for(model)):
            if now is not None:
                self._weights = signature(model)
            changed = self.view.open(model)
            if changed:
                self._prepare(fitted)
            if now is not None:
                with self.log.guard():
                    self.view.check(*now)
        return changed

    def note_weights(self, fitted: Any) -> None:
        """Remember the weights, as other groups are captured."""
        self._weights = signature(self.find(fitted))

    def has_changed(self, fitted: Any) -> bool:
        """Return whether the weights differ from those that were remembered."""
        return self._weights is not None and signature(self.find(fitted)) != self._weights

    def update_nodes(self, logged_kinds: Mapping[str, list[str]]) -> None:
        """Renew the layer tree with the kinds that are logged of each layer."""
        view = self.view
        self.nodes = model_nodes(view.model, view.model_outputs, logged_kinds, self._naming)

    def _prepare(self, fitted: Any) -> None:
        model_outputs = self._outputs_or_raise(fitted)
        for callback in self.members:
            with self.log_of(callback).guard():
                callback.prepare(model_outputs, self.log_of(callback))
        with self.log.guard():
            self.view.report_classes(self.members)
        self.view.select_outputs(one for one in self.members if one.wants_recording)

    def _outputs_or_raise(self, fitted: Any) -> ModelOutputs:
        try:
            return self.view.model_outputs
        except NotImplementedError as error:
            raise not_callable(fitted, self.submodel, error) from error


def _name_of(submodel: Submodel) -> str | None:
    """Return what layer paths begin with; None for a function: that is its model's name."""
    if submodel is None:
        return ""
    return submodel.replace(".", "/") if isinstance(submodel, str) else None
