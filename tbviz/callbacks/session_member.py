"""Define the part of a callback that belongs to tbviz: Keras' hooks, and what a session notes."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Protocol

import keras

from tbviz.callbacks.limits.cost_meter import CallbackId
from tbviz.callbacks.probe import ProbeSource
from tbviz.callbacks.run.distributed import is_primary, log_not_primary
from tbviz.callbacks.run.error_boundary import in_short
from tbviz.callbacks.run.member import Member
from tbviz.callbacks.run.probe import ProbeArrays, input_format
from tbviz.callbacks.run.session import Session
from tbviz.callbacks.run.sessions import report_disabled, session_of
from tbviz.callbacks.run.submodel import find_submodel
from tbviz.store.format.schema import FitPosition

_log = logging.getLogger("tbviz")


class _Joining(Member, Protocol):
    """A callback with what its hooks need."""

    _source: ProbeSource | None
    _session: Session | None
    _disabled: set[str]

    def _report_disabled(self, error: Exception) -> None: ...


class SessionMember(keras.callbacks.Callback):
    """A callback that takes part in the session of its `fit`.

    Its members are for Keras, for the session and for `Monitor`. A subclass of `Visual` neither
    calls nor replaces them.

    Attributes:
        last_snapshot: Where it captured last in this `fit`, None before.
        number: Counts the callbacks with the same title in this `fit` and log directory.
        replaceable: Whether `Monitor` made it, so that a callback of the user replaces it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last_snapshot: FitPosition | None = None
        self.number = 1
        self.replaceable = False
        self._session: Session | None = None
        self.probe: ProbeArrays | None = None
        self._source: ProbeSource | None = None
        # Why it is disabled for this `fit`; those of a Monitor share it, to say it once.
        self._disabled: set[str] = set()

    @property
    def method(self: Member) -> str:
        """The name in notices and costs: the title, with a number if several callbacks share it."""
        return self.title if self.number == 1 else f"{self.title} {self.number}"

    @property
    def callback_id(self: Member) -> CallbackId:
        """The identity of this callback in the run log."""
        return CallbackId(id(self), self.method)

    def belong_to_monitor(self, disabled: set[str]) -> None:
        """Become replaceable, and share the reasons why callbacks are disabled."""
        self.replaceable = True
        self._disabled = disabled

    def on_train_begin(self: _Joining, logs: Mapping[str, Any] | None = None) -> None:
        """Join the session of this `fit`."""
        self._session = self.last_snapshot = None
        if not self.replaceable:  # Monitor does it for its own
            self._disabled.clear()
        try:
            if not is_primary():
                log_not_primary()
                return
            model = self.model
            if self._source is not None and self._source.is_files:
                self.probe = self._source.read(input_format(find_submodel(model, self.submodel)))
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

    def _report_disabled(self: _Joining, error: Exception) -> None:
        text = f"disabled for this fit: {in_short(error)}"
        if text in self._disabled:
            return
        self._disabled.add(text)
        name = "Monitor" if self.replaceable else self.method
        _log.warning("tbviz %s: %s", name, text)
        # This callback has no store to report it in, but others may.
        with suppress(Exception):
            report_disabled(self, name, text, error)

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Note the epoch."""
        if self._session is not None:
            self._session.epoch_begins(epoch)

    def on_train_batch_end(
        self: _Joining, batch: int, logs: Mapping[str, Any] | None = None
    ) -> None:
        """Capture if the schedule counts batches or minutes and is due."""
        if self._session is not None:
            self._session.batch_ends(self, batch, logs)

    def on_epoch_end(self: _Joining, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Capture if the schedule is due."""
        if self._session is not None:
            self._session.epoch_ends(self, epoch, logs)

    def on_train_end(self: _Joining, logs: Mapping[str, Any] | None = None) -> None:
        """Capture the final model if it has changed, and leave the session."""
        session, self._session = self._session, None
        if session is not None:
            session.train_ends(self)
