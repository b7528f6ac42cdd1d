"""The base of all callbacks: Keras' clock, the schedule, and the one error boundary.

A monitor never ends the run that it watches. Whatever fails in a look is said once, with layer,
method and remedy, and training goes on; `strict=True` raises instead.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import keras

from tbviz.callbacks.probe import Probe, is_path, read_probe
from tbviz.callbacks.schedule import Moment, Schedule, clock, schedule_of
from tbviz.callbacks.session import Session, session_of
from tbviz.errors import TbvizError
from tbviz.methods.maximization.canvas import image_layout
from tbviz.store.schema import Position
from tbviz.taps.select import LayerNotFoundError
from tbviz.taps.survey import Output, Survey

_log = logging.getLogger("tbviz")

ScheduleLike = str | Callable[[], Schedule] | Callable[[int], bool]


class Visual(keras.callbacks.Callback):
    """A callback that looks into the model while it trains.

    Subclasses say which layers they want recorded (`wanted`) and what they make of them (`look`).

    Args:
        log_dir: the directory that `keras.callbacks.TensorBoard(log_dir=...)` gets.
        images: probe images, see `tbviz.callbacks.probe.read_probe`; at most 16 are used.
        labels: the class of each probe image.
        class_names: name of each class.
        layers: a filter: path, name, glob, compiled regex, layer class, callable, or a list.
        schedule: `"epoch"`, `tbviz.every(...)`, `tbviz.geometric(...)`, or a callable that takes
            the epoch and answers whether to look at its end. First and last epoch are always
            looked at.
        strict: raise what goes wrong instead of saying it once and going on.

    Raises:
        TbvizError: the images, labels or schedule cannot be used.
    """

    def __init__(  # noqa: PLR0913  (what all callbacks have in common)
        self,
        log_dir: str | os.PathLike[str],
        *,
        images: Any = None,
        labels: Any = None,
        class_names: Sequence[str] | None = None,
        layers: Any = None,
        schedule: ScheduleLike = "epoch",
        strict: bool = False,
    ) -> None:
        super().__init__()
        self.log_dir = Path(os.fspath(log_dir))
        self.layers = layers
        self.strict = strict
        self._schedule, self._batchwise = schedule_of(schedule)
        self._session: Session | None = None
        self._unread = (images, labels, class_names) if is_path(images) else None
        self.probe: Probe | None = None
        if images is not None and self._unread is None:
            self.probe = read_probe(images, labels, class_names)
        self._chosen: list[Output] | None = None
        self._epoch = 0
        self._step = 0
        self._before_epoch = 0
        self._last_look: Position | None = None
        self._last_end: Position | None = None

    # For subclasses

    @property
    def method(self) -> str:
        """What notices and costs call this callback."""
        return type(self).__name__

    def wanted(self, survey: Survey) -> list[Output]:
        """The layers whose outputs on the probe images this callback wants."""
        del survey
        return []

    def look(self, model: Any) -> None:
        """Computes what is to be seen at this position and adds it to the session."""
        raise NotImplementedError

    @property
    def session(self) -> Session:
        """The `fit` that this callback is part of."""
        if self._session is None:
            msg = f"{self.method} looks only while model.fit runs; pass it to fit(callbacks=[...])"
            raise TbvizError(msg)
        return self._session

    @property
    def chosen(self) -> list[Output]:
        """The outputs that `wanted` chose, once the model has been surveyed."""
        return self._chosen or []

    @contextmanager
    def boundary(self, layer: str | None = None, remedy: str | None = None) -> Iterator[None]:
        """The error boundary: says once what failed, and goes on.

        Args:
            layer: path of the layer that is being drawn.
            remedy: what the user can do; a general advice unless given.
        """
        try:
            yield
        except Exception as error:
            if self.strict:
                raise
            self._failed(error, layer, remedy)

    def choose(self, survey: Survey) -> list[Output]:
        """The layers this callback wants, found once; none where its filter matches nothing."""
        if self._chosen is None:
            self._chosen = []
            with self.boundary():
                self._chosen = self.wanted(survey)
        return self._chosen

    def forget(self) -> None:
        """Called when the model's structure has changed: layers are chosen anew."""
        self._chosen = None

    # Keras' hooks

    def on_train_begin(self, logs: Mapping[str, Any] | None = None) -> None:
        """Joins the session of this `fit`."""
        del logs
        with self.boundary():
            model = self.model  # once, first: on JAX reading it syncs the model's state
            if self._unread is not None:
                images, labels, names = self._unread
                self.probe = read_probe(images, labels, names, _input_size(model))
            self._step = self._before_epoch = 0
            self._last_look = self._last_end = None
            self._chosen = None
            self._session = session_of(self, model, self.params or {})
            self._schedule.start(self._moment(epoch_end=False))
            if self.probe is not None and self.probe.left_out:
                self._session.notice(
                    self.method,
                    f"the first {self.probe.count} of {self.probe.count + self.probe.left_out} "
                    "probe images are shown",
                    "pass the ones that you want to see",
                    level="info",
                )

    def on_epoch_begin(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Notes the epoch; the first one begins the run."""
        del logs
        self._epoch = epoch
        session = self._session
        if session is not None and not session.begun:
            with self.boundary():
                session.initial_epoch = epoch
                session.begin(self.model.name)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Counts batches; looks where the schedule goes by batches or minutes."""
        self._step = self._before_epoch + batch + 1
        if self._session is None or not self._batchwise:
            return
        if self._schedule.due(self._moment(epoch_end=False)):
            self._turn(Position(self._epoch, self._step), logs, due=True)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Looks, where the schedule says so, and at the first and the last epoch."""
        self._epoch = epoch
        self._before_epoch = self._step
        if self._session is None:
            return
        planned = self._session.planned_epochs
        # Not `self.model`: that would sync JAX's state at every epoch, due or not.
        stopping = bool(getattr(vars(self).get("_model"), "stop_training", False))
        last = stopping or (planned is not None and epoch >= planned - 1)
        due = self._schedule.due(self._moment(epoch_end=True))
        self._last_end = Position(epoch)
        self._turn(self._last_end, logs, due=due or last or self._last_look is None)

    def on_train_end(self, logs: Mapping[str, Any] | None = None) -> None:
        """Looks at what `fit` left behind, if that is not the last epoch's, and says goodbye."""
        del logs
        session = self._session
        if session is None:
            return
        with self.boundary():
            end = self._last_end
            if end is not None and (
                self._last_look != end or session.weights_differ(self.model)
            ):
                self._turn(Position(end.epoch, final=True), None, due=True)
        with self.boundary():
            planned = session.planned_epochs
            early = end is not None and planned is not None and end.epoch < planned - 1
            session.leave(self, "stopped" if early else "finished")
        self._session = None

    def _turn(self, position: Position, logs: Mapping[str, Any] | None, *, due: bool) -> None:
        session = self.session
        with self.boundary():
            session.metrics(position, logs)
        if due:
            with self.boundary(), session.costs.of(self.method):
                model = self.model  # once, outside every scope and trace
                looker = session.look_into(model)
                before = looker.compile_seconds
                try:
                    session.note_weights(model)
                    self.look(model)
                finally:
                    session.costs.compiled(self.method, looker.compile_seconds - before)
            self._last_look = position
        with self.boundary():
            session.arrived(self, position)

    def _moment(self, *, epoch_end: bool) -> Moment:
        return Moment(self._epoch, self._step, clock(), epoch_end)

    def _failed(self, error: Exception, layer: str | None, remedy: str | None) -> None:
        if self._session is None:
            # Before there is a session there is no store to say it in.
            _log.warning("tbviz %s: %s; it does nothing in this fit", self.method, error)
            return
        if isinstance(error, LayerNotFoundError):
            text, advice = str(error), remedy
        else:
            text = f"{type(error).__name__}: {_short(error)}"
            advice = remedy or (
                "training goes on without this picture; strict=True raises the error with its "
                "traceback"
            )
        key = (self.method, layer or "", type(error).__name__)
        self._session.notice(self.method, text, advice, layer, key=key)


def _short(error: Exception) -> str:
    """The first lines of an error: Keras' and TensorFlow's go on for pages."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    text = " ".join(lines[:3]) or "(no message)"
    return text if len(text) <= 400 else text[:397] + "..."


def _input_size(model: Any) -> tuple[int, int] | None:
    """Height and width of the model's image input, where it says so."""
    for tensor in getattr(model, "inputs", None) or ():
        layout = image_layout(tuple(size or 0 for size in tensor.shape))
        if layout is not None and layout[0] and layout[1]:
            return layout[0], layout[1]
    return None
