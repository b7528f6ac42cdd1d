"""Define the base of all callbacks: its arguments, Keras' hooks, and what a subclass implements."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, ClassVar, Unpack

import keras

from tbviz.amounts import bytes_of, share_of
from tbviz.callbacks.limits.cost_meter import CallbackId
from tbviz.callbacks.limits.schedule import schedule_of
from tbviz.callbacks.options import DEFAULTS, ImageOptions, check_switch
from tbviz.callbacks.probe import as_probe, check_log_dir
from tbviz.callbacks.run.callback_log import CallbackLog
from tbviz.callbacks.run.distributed import is_primary, log_not_primary
from tbviz.callbacks.run.error_boundary import in_short
from tbviz.callbacks.run.model_view import ModelView
from tbviz.callbacks.run.probe import (
    ProbeArrays,
    input_format,
)
from tbviz.callbacks.run.session import Session
from tbviz.callbacks.run.sessions import report_disabled, session_of
from tbviz.callbacks.run.submodel import check_submodel, find_submodel
from tbviz.callbacks.signature import SharedOptions
from tbviz.errors import TbvizError
from tbviz.scores.target import may_name_output
from tbviz.store.disk.locations import usable_location
from tbviz.store.format.schema import FitPosition
from tbviz.taps.model_outputs import ModelOutputs
from tbviz.taps.outputs import Output
from tbviz.taps.select import check_filter

_log = logging.getLogger("tbviz")


class Visual(SharedOptions, keras.callbacks.Callback):
    """A callback that captures the model while it trains.

    Subclasses select the layers that they draw (`select_layers`) and compute the pictures
    (`capture`). They pass the shared arguments on as `**options`.
    """

    wants_recording: ClassVar[bool] = True
    """Whether `capture` needs the outputs of the selected layers on the probe images."""

    runs_model: ClassVar[bool] = True
    """Whether `capture` needs the model's outputs or inputs. Weights can be read without them."""

    rare: ClassVar[bool] = False
    """Whether it usually captures too rarely to count in the forecast of a run's size."""

    needs: ClassVar[str] = "layer with feature maps"
    """What a model must have so that this callback can draw something."""

    def __init__(
        self,
        log_dir: str | os.PathLike[str],
        images: Any = None,
        labels: Any = None,
        *,
        layers: Any = None,
        **options: Unpack[ImageOptions],
    ) -> None:
        super().__init__()
        given: ImageOptions = {**DEFAULTS, **self.option_defaults, **options}
        self.log_dir = usable_location(check_log_dir(log_dir, type(self).__name__))
        self.layers = None if layers is None else self.check_layers(layers)
        self.output = given["output"]
        if not may_name_output(self.output):
            msg = f"received output={self.output!r}; expected the name or the index of an output"
            raise TbvizError(f"{type(self).__name__} {msg}")
        self.submodel = check_submodel(given["submodel"])
        self.strict = check_switch("strict", given["strict"])
        self.schedule = schedule_of(given["schedule"])
        self.max_overhead = share_of(given["max_overhead"])
        self.max_disk = bytes_of(given["max_disk"])
        self.last_snapshot: FitPosition | None = None
        # Counts the callbacks with the same title in this fit and log directory.
        self.number = 1
        # Whether `Monitor` made it, so that a callback of the user replaces it.
        self.replaceable = False
        # Why callbacks are disabled for this `fit`; those of a Monitor share it, to say it once.
        self.disabled: set[str] = set()
        self.selected: list[Output] = []
        # By key of a selected layer, how many channels are enough. Others need all channels.
        self.first_channels: Mapping[str, int] = {}
        self._given = as_probe(images, labels, given["class_names"], type(self).__name__)
        if self._given is None and _needs_images(type(self)):
            raise TbvizError(f"{type(self).__name__} received images=None; expected probe images")
        # Image files are read when the model's input size is known.
        self.probe: ProbeArrays | None = None
        if self._given is not None and not self._given.is_files:
            self.probe = self._given.read()
        self._session: Session | None = None

    # For subclasses

    @property
    def title(self) -> str:
        """Return the name of the class, and of the method if the arguments select one."""
        return type(self).__name__

    @property
    def method(self) -> str:
        """The name in notices and costs: the title, with a number if several callbacks share it."""
        return self.title if self.number == 1 else f"{self.title} {self.number}"

    @property
    def callback_id(self) -> CallbackId:
        """Return the identity of this callback in the run log."""
        return CallbackId(id(self), self.method)

    def check_layers(self, layers: Any) -> Any:
        """Return the user's `layers=`, if this callback can use it.

        Raises:
            TbvizError: If it is no filter of layers.
        """
        return check_filter(layers)

    def select_layers(self, model_outputs: ModelOutputs) -> list[Output]:
        """Return the layers that this callback draws.

        Raises:
            LayerNotFoundError: If the user's filter matches no layer.
        """
        raise NotImplementedError

    def capture(self, view: ModelView, log: CallbackLog) -> None:
        """Compute the pictures and numbers of this position.

        Args:
            view: The model, and its outputs on the probe images.
            log: Takes the pictures and numbers, and the notices. If what is inside `log.guard`
                fails, the rest is still drawn.
        """
        raise NotImplementedError

    def reset(self) -> None:
        """Drop what earlier snapshots left: a `fit` begins, or the model has changed."""

    # For the session

    def prepare(self, model_outputs: ModelOutputs, log: CallbackLog) -> None:
        """Select the layers of a model that was not captured before.

        Args:
            model_outputs: Of the model.
            log: Takes notices.
        """
        self.reset()
        self.selected = []
        self.selected = self.select_layers(model_outputs)
        if not self.selected:
            log.notice(f"left out: this model has no {self.needs}", level="info", event="left_out")

    # Keras' hooks

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Join the session of this `fit`."""
        self._session = self.last_snapshot = None
        if not self.replaceable:  # Monitor does it for its own
            self.disabled.clear()
        try:
            if not is_primary():
                log_not_primary()
                return
            model = self.model
            if self._given is not None and self._given.is_files:
                model_format = input_format(find_submodel(model, self.submodel))
                self.probe = self._given.read(model_format)
            session = session_of(self, model, self.params)
        except Exception as error:
            if self.strict:
                raise
            self._report_disabled(error)
            return
        self._session = session
        if self.probe is not None and self.probe.left_out:
            given = self.probe.count + self.probe.left_out
            session.log.notice(
                f"the first {self.probe.count} of {given} probe images are used",
                "pass only the images that you want to see",
                level="info",
                event="probe_cut",
                detail=[self.probe.count, given],
            )

    def _report_disabled(self, error: Exception) -> None:
        text = f"disabled for this fit: {in_short(error)}"
        if text in self.disabled:
            return
        self.disabled.add(text)
        name = "Monitor" if self.replaceable else self.method
        _log.warning("tbviz %s: %s", name, text)
        # This callback has no store to report it in, but others may.
        with suppress(Exception):
            report_disabled(self, name, text, error)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the epoch."""
        if self._session is not None:
            self._session.epoch_begins(epoch)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Capture if the schedule counts batches or minutes and is due."""
        if self._session is not None:
            self._session.batch_ends(self, batch, logs)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Capture if the schedule is due."""
        if self._session is not None:
            self._session.epoch_ends(self, epoch, logs)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Capture the final model if it has changed, and leave the session."""
        session, self._session = self._session, None
        if session is not None:
            session.train_ends(self)


def _needs_images(kind: type[Visual]) -> bool:
    """Return whether the constructor takes probe images without a default."""
    images = inspect.signature(kind).parameters.get("images")
    return images is not None and images.default is inspect.Parameter.empty
