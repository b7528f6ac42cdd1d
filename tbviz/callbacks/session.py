"""The session: one `fit` into one log directory, conducted for all its callbacks together.

Keras calls the callbacks one after the other, always in the same order. The last of ours acts for
all: every look is at the same state of the model, and one position is written as a whole.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any

from tbviz.callbacks.error_boundary import boundary, in_short
from tbviz.callbacks.fit_info import fit_fields, size_saying
from tbviz.callbacks.layer_tree import model_record
from tbviz.callbacks.model_view import View
from tbviz.callbacks.notebook import in_fit, when_cell_ends
from tbviz.callbacks.records import metrics_record
from tbviz.callbacks.run_callback import work
from tbviz.callbacks.run_log import Journal
from tbviz.callbacks.schedule import Moment, clock
from tbviz.callbacks.scheduler import Due, Pace
from tbviz.callbacks.submodel import Of, not_callable, subject_of
from tbviz.callbacks.training_clock import Ledger
from tbviz.callbacks.weight_signature import signature
from tbviz.errors import TbvizError
from tbviz.store.exit_hooks import end_before_exit
from tbviz.store.locations import Place, store_directory
from tbviz.store.schema import Position
from tbviz.taps import keras_private
from tbviz.taps.inspector import looker_of
from tbviz.taps.model_outputs import Survey

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual


class Session:
    """One `fit` into one log directory.

    Args:
        log_dir: where the store lies.
        model_name: what the model is called.
        params: what Keras tells callbacks: planned epochs and steps; `None` where it does not.
        ledger: of the fit.

    Attributes:
        journal: what is written.
        ledger: what it shares with other log directories of the same `fit`.
        closed: whether the end of the `fit` has been written.
    """

    def __init__(
        self, log_dir: Place, model_name: str, params: Mapping[str, Any] | None, ledger: Ledger
    ) -> None:
        told = params or {}
        self.journal = Journal(log_dir, ledger)
        self.ledger = ledger
        self.closed = False
        self._log_dir = log_dir
        self._model_name = model_name
        self._params = params
        self._planned: int | None = told.get("epochs")
        self._steps: int | None = told.get("steps")
        self._members: list[Visual] = []
        self._of: Of = None
        self._view = View(self.journal)
        self.journal.caveat = self._view.caveat
        self._pace = Pace(self.journal, ledger, store_directory(log_dir))
        self._first_epoch: int | None = None
        self._epoch = 0
        self._step = 0
        self._steps_before_epoch = 0
        self._last_end: Position | None = None
        self._weights: int | None = None
        self._drawn = 0
        # After an exception or KeyboardInterrupt Keras calls no hook: the end is written at
        # exit, when the callbacks are collected, or when a notebook's cell has ended.
        self._finalizer = weakref.finalize(
            self,
            self.journal.end,
            "failed",
            "the process ended, or an exception left fit, before its end",
        )
        end_before_exit(self._finalizer)
        when_cell_ends(partial(_fail, weakref.ref(self)))

    @property
    def begun(self) -> bool:
        """Whether the first epoch has begun."""
        return self._first_epoch is not None

    def belongs_to(self, params: Mapping[str, Any] | None) -> bool:
        """Whether it is of the fit whose callbacks are told this: one object for all of them.

        A loop of the user's own may tell each an object of its own.
        """
        return self._params is params or not in_fit()

    def has(self, member: Visual) -> bool:
        """Whether this callback has joined."""
        return any(other is member for other in self._members)

    def join(self, member: Visual) -> None:
        """Adds a callback, before the first epoch.

        Raises:
            TbvizError: it looks into another model than the others, or its probe does not fit into
                one batch with theirs.
        """
        if self._members and member.of != self._of:
            msg = (
                f"received of={member.of!r} where another callback of this fit and log directory "
                f"has of={self._of!r}; a log directory shows one model: give this one a log_dir "
                f"of its own, such as {self._log_dir / _folder(member.of)} (a function must be the "
                "same object in both)"
            )
            raise TbvizError(msg)
        self._view.join(member)
        self._of = member.of
        member.number = 1 + sum(other.title == member.title for other in self._members)
        self._members.append(member)
        self._pace.join(member)
        member.schedule.start(self._moment(epoch_end=False))

    def close(self, status: str, reason: str | None = None) -> None:
        """Writes what is left and the end of the `fit`, and waits until all is on disk."""
        self.closed = True
        self._finalizer.detach()
        self.journal.end(status, reason)

    # Keras' hooks, of every member

    def epoch_begins(self, epoch: int) -> None:
        """Notes the epoch; the first one begins the run."""
        if self.closed:
            return
        self._epoch = epoch
        if not self.begun:
            self._first_epoch = epoch
            with self._ending_if_it_raises(), self._boundary():
                fields = fit_fields(self._model_name, self._planned, epoch, self._steps)
                usual = [member.schedule for member in self._members if not member.rare]
                every_epoch = bool(usual) and all(schedule.every_epoch for schedule in usual)
                looks = self._planned - epoch if every_epoch and self._planned else None
                limits = self._pace.limits
                saying = size_saying(self._log_dir, looks, limits.size, thinned=limits.divide)
                self.journal.begin(fields, saying)
                self._pace.begin(epoch, self._planned)
                self._view.in_parts = limits.divide
            with self._ending_if_it_raises(), self._boundary():
                self._survey()

    def _survey(self) -> None:
        # Now, before Keras opens the data: whether the model draws from the global random states
        # cannot be told while a pipeline draws from them on a thread of its own.
        first = self._members[0]
        model = self._subject(first)
        if model.built:
            with self.journal.costs.of(first.method, looker_of(model)):
                if self._view.open(model):
                    self._choose()  # so that a layer that is not there is said at once

    def batch_ends(self, member: Visual, batch: int, logs: Mapping[str, Any] | None) -> None:
        """Counts batches; looks where a schedule goes by batches or minutes."""
        if not self._conducts(member):
            return
        self._step = self._steps_before_epoch + batch + 1
        moment = self._moment(epoch_end=False)
        batchwise = any(other.schedule.batchwise for other in self._members)
        scheduled = self._scheduled(moment) if batchwise else ()
        due = Due()
        with self._ending_if_it_raises(), self._boundary():
            due = self._pace.at_batch(moment, scheduled)
        if due.members:
            self._turn(due, Position(self._epoch, self._step), logs)

    def epoch_ends(self, member: Visual, epoch: int, logs: Mapping[str, Any] | None) -> None:
        """Looks, where a schedule says so, and at the first and the last epoch."""
        if not self._conducts(member):
            return
        self._epoch = epoch
        self._steps_before_epoch = self._step
        self._last_end = Position(epoch)
        moment = self._moment(epoch_end=True)
        scheduled = self._scheduled(moment)
        first, last = epoch == self._first_epoch, self._is_last(member, epoch)
        due = Due()
        with self._ending_if_it_raises(), self._boundary():
            due = self._pace.at_epoch(moment, scheduled, first=first, last=last)
        self._turn(due, self._last_end, logs)

    def train_ends(self, member: Visual) -> None:
        """Looks at what `fit` left behind, if that is not the last epoch's, and ends the run."""
        if not self._conducts(member):
            return
        with self._ending_if_it_raises():
            last = self._last_end
            if last is not None:
                due = [other for other in self._members if other.last_look != last]
                with self._boundary():
                    # EarlyStopping may have put back the best weights, an optimizer its averages.
                    if (
                        self._weights is not None
                        and signature(self._subject(member)) != self._weights
                    ):
                        due = self._members
                looking = Due()
                with self._boundary():
                    looking = self._pace.at_end(due)
                if looking.members:
                    self._turn(looking, Position(last.epoch, final=True), None)
                with self._boundary():
                    self._pace.say_what_was_left_out()
            planned = self._planned
            early = planned is not None and (last is None or last.epoch < planned - 1)
            self.close("stopped" if early else "finished")
            self._raise_what_failed()
            for other in self._members:  # now, since the last of them has just looked for all
                other.forget()

    # One position

    def _conducts(self, member: Visual) -> bool:
        return not self.closed and member is self._members[-1]

    def _scheduled(self, moment: Moment) -> list[Visual]:
        due = []
        for member in self._members:
            with self._ending_if_it_raises(), self._boundary(member):
                if member.schedule.due(moment):  # may be the user's own code
                    due.append(member)
        return due

    def _is_last(self, member: Visual, epoch: int) -> bool:
        # Not `member.model`: that would sync JAX's state at every epoch, due or not.
        stopping = getattr(keras_private.model_of_callback(member), "stop_training", False)
        return bool(stopping) or (self._planned is not None and epoch >= self._planned - 1)

    def _turn(self, due: Due, position: Position, logs: Mapping[str, Any] | None) -> None:
        with self._ending_if_it_raises():
            with self._boundary():
                self.journal.open(position)
                self._note_metrics(logs, position)
            if due.members:
                with self._boundary():
                    self._look(due, position)
            with self._boundary():
                fields = self._pace.turned(self._step)
                self.journal.hand_over(fields)
            self._raise_what_failed()

    def _note_metrics(self, logs: Mapping[str, Any] | None, position: Position) -> None:
        record, others = metrics_record(logs)
        if record is not None:
            self.journal.add(record)
            self._view.breakage.metrics(record.meta["values"], position)
        if others:
            self.journal.notice(
                "tbviz",
                f"the metrics {', '.join(others)} are no single numbers and are left out",
                level="info",
                event="not_scalar",
                detail=others,
            )

    def _look(self, due: Due, position: Position) -> None:
        first = due.members[0]
        model = self._subject(first)
        with self.journal.costs.of(first.method, looker_of(model)) as spent:
            self._weights = signature(model)
            if self._view.open(model):
                self._choose()
            with self._boundary():
                self._view.check(position)
        self._pace.limits.spend(first, spent, parts=0, done=False)
        for member in sorted(due.members, key=lambda member: member.yields):
            if work(member, self._view, self.journal, self._pace, self._boundary, whole=due.whole):
                member.last_look = position
                if self.journal.superseded(member.author):
                    self._pace.retire(member)
        drawn = sum(map(len, self.journal.drawn.values()))
        if drawn != self._drawn:
            self._drawn = drawn
            self.journal.add(model_record(model, self._view.survey, self.journal.drawn))

    def _choose(self) -> None:
        self._drawn = -1
        self._pace.forget()
        survey = self._surveyed()
        for member in self._members:
            with self._boundary(member):
                member.choose(survey, self.journal)
        self._view.record(member for member in self._members if member.wants_recording)

    def _subject(self, member: Visual) -> Any:
        # `member.model` first, outside every scope and trace: on JAX reading it syncs.
        return subject_of(member.model, self._of)

    def _surveyed(self) -> Survey:
        try:
            return self._view.survey
        except NotImplementedError as error:
            raise not_callable(self._members[0].model, self._of, error) from error

    # Small things

    def _boundary(self, member: Visual | None = None) -> AbstractContextManager[None]:
        if member is not None:
            return boundary(self.journal, member.method, strict=member.strict)
        strict = any(other.strict for other in self._members)
        return boundary(self.journal, "tbviz", strict=strict)

    @contextmanager
    def _ending_if_it_raises(self) -> Iterator[None]:
        """`strict=True` and Ctrl-C end `fit` without another hook."""
        try:
            yield
        except BaseException as error:
            self.close("failed", f"{type(error).__name__}: {in_short(error)}")
            raise

    def _raise_what_failed(self) -> None:
        """What failed on the writer's thread, said there already, for `strict=True`."""
        if self.journal.failure is not None and any(other.strict for other in self._members):
            raise self.journal.failure

    def _moment(self, *, epoch_end: bool) -> Moment:
        return Moment(self._epoch, self._step, clock(), epoch_end)


def _folder(of: Of) -> str:
    return of.rsplit(".", 1)[-1] if isinstance(of, str) else "other"


def _fail(of: weakref.ref[Session]) -> None:
    session = of()
    if session is not None and not session.closed:
        session.close("failed", "an exception or Ctrl-C left fit before its end")
