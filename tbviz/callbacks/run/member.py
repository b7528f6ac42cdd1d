"""Describe a callback as the packages below know it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from tbviz.callbacks.limits.cost_meter import CallbackId
from tbviz.callbacks.limits.schedule import Schedule
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import ProbeArrays
from tbviz.callbacks.run.submodel import Submodel
from tbviz.store.disk.locations import Location
from tbviz.store.format.schema import FitPosition
from tbviz.taps.final_outputs import OutputName
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output


class Member(Protocol):
    """A callback as its session, the view of the model, the log and the limits see it.

    `tbviz.callbacks.base.Visual` documents the fields.
    """

    log_dir: Location
    submodel: Submodel
    strict: bool
    schedule: Schedule
    max_overhead: float | None
    max_disk: int | None
    last_snapshot: FitPosition | None
    number: int
    replaceable: bool
    selected: list[Output]
    first_channels: Mapping[str, int]
    probe: ProbeArrays | None

    @property
    def output(self) -> OutputName | None:
        """The output of the model that is explained."""

    @property
    def wants_recording(self) -> bool:
        """Whether `capture` needs the outputs of the selected layers on the probe images."""

    @property
    def runs_model(self) -> bool:
        """Whether `capture` needs the model's outputs or inputs."""

    @property
    def rare(self) -> bool:
        """Whether it usually captures too rarely to count in the forecast of a run's size."""

    @property
    def params(self) -> Mapping[str, Any] | None:
        """The params that Keras gave to the callback."""

    @property
    def model(self) -> Any:
        """The model that is fitted."""

    @property
    def title(self) -> str:
        """The name of the class, and of the method if the arguments select one."""

    @property
    def method(self) -> str:
        """The name in notices and costs."""

    @property
    def callback_id(self) -> CallbackId:
        """The identity in costs."""

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select the layers of a model that was not captured before."""

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Compute the pictures and numbers of this position."""

    def reset(self) -> None:
        """Drop what earlier snapshots left."""
