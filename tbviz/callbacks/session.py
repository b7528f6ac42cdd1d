"""The session: one `fit` into one log directory, shared by all its callbacks.

They share the writer, the probe, the looks and the clock. What they log at one position is
gathered here and handed to the writer's thread when the last of them has had its turn.
"""

from __future__ import annotations

import logging
import os
import threading
import weakref
import zlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import keras
import numpy as np

from tbviz.callbacks.budget import Costs
from tbviz.callbacks.gathering import Gathering
from tbviz.callbacks.pictures import Entry, Record
from tbviz.callbacks.probe import Probe
from tbviz.images.display import display
from tbviz.images.sheet import encode_rgb
from tbviz.store.background import BackgroundWriter
from tbviz.store.schema import Position
from tbviz.store.writer import Writer
from tbviz.taps.looker import Looker, Recording, looker_of
from tbviz.taps.survey import Output, Survey
from tbviz.version import __version__

if TYPE_CHECKING:
    from tbviz.callbacks.base import Visual

_log = logging.getLogger("tbviz")

TOP_CLASSES = 5
"""How many classes of each probe image a `predictions` record holds."""


class Session:
    """One `fit` into one log directory.

    Args:
        log_dir: where the store lies.
        params: what Keras tells callbacks: planned epochs and steps.

    Attributes:
        looker: into the model, kept over the fits of the same callbacks.
        costs: what was spent.
    """

    def __init__(self, log_dir: str, params: Mapping[str, Any]) -> None:
        self.log_dir = log_dir
        self.costs = Costs()
        self.looker: Looker | None = None
        self.closed = False
        self.initial_epoch: int | None = None
        self._params = dict(params)
        self._members: list[Visual] = []
        self._probe = Gathering()
        failed = weakref.WeakMethod(self._writing_failed)
        self._writer = BackgroundWriter(
            Writer(log_dir), lambda error: (say := failed()) and say(error)
        )
        self._state = {"begun": False}
        # After KeyboardInterrupt Keras calls no hook: the end is written at exit, or when the
        # callbacks are collected.
        self._finalizer = weakref.finalize(self, _abandon, self._writer, self._state)
        self._position: Position | None = None
        self._entries: list[Entry] = []
        self._arrived: set[int] = set()
        self._said: set[tuple[str, ...]] = set()
        self._recording: Recording | None = None
        self._restarts: int | None = None
        self._weights: int | None = None
        self._wanted: list[Output] | None = None
        self._drawn: dict[str, list[str]] = {}
        self._model_written = False
        self._probe_written = False
        self._lock = threading.Lock()
        self._late: list[Record] = []  # notices from the writer's thread

    # Joining and leaving

    @property
    def begun(self) -> bool:
        """Whether the first epoch has begun."""
        return self._state["begun"]

    def join(self, member: Visual) -> None:
        """Adds a callback, before the first epoch."""
        self._members.append(member)
        if member.probe is not None:
            self._probe.add(member, member.probe)

    def has(self, member: Visual) -> bool:
        """Whether this callback has joined."""
        return any(other is member for other in self._members)

    def begin(self, model_name: str) -> None:
        """Writes the `fit` record, so that the page shows the run before its first epoch ends."""
        if self.begun:
            return
        self._state["begun"] = True
        fields = {
            "kind": "fit",
            "event": "begin",
            "epochs": self._params.get("epochs"),
            "initial_epoch": self.initial_epoch or 0,
            "steps": self._params.get("steps"),
            "backend": keras.backend.backend(),
            "versions": {"keras": keras.__version__, "tbviz": __version__},
            "model": model_name,
        }
        self._writer.submit(lambda writer: writer.append(fields))

    @property
    def planned_epochs(self) -> int | None:
        """The epoch that `fit` would end before, if nothing stops it."""
        return self._params.get("epochs")

    def leave(self, member: Visual, status: str, reason: str | None = None) -> None:
        """Takes a callback's goodbye; the last one's closes the store."""
        self._members = [other for other in self._members if other is not member]
        if not self._members:
            self.close(status, reason)

    def close(self, status: str, reason: str | None = None) -> None:
        """Writes what is left and the end of the `fit`, and waits until all is on disk."""
        if self.closed:
            return
        self.closed = True
        self._finalizer.detach()
        self._hand_over()
        end = {"kind": "fit", "event": "end", "status": status, "reason": reason}
        late, self._late = self._late, []
        last = self._position or Position(0)

        def job(writer: Writer) -> None:
            for record in late:
                record.write(writer, last)
            if self.begun:
                writer.append(end)

        self._writer.submit(job)
        self._writer.close()

    # One position

    def open(self, position: Position) -> None:
        """Goes to a position; what is left of the one before is handed over first."""
        if position != self._position:
            self._hand_over()
            self._position = position
            self._recording = None

    def metrics(self, position: Position, logs: Mapping[str, Any] | None) -> None:
        """Logs the epoch's metrics, once a position. `logs` is everybody's: it is only read."""
        self.open(position)
        if logs and not any(
            isinstance(entry, Record) and entry.meta["kind"] == "metrics"
            for entry in self._entries
        ):
            values = {str(name): float(value) for name, value in dict(logs).items()}
            self.add(Record({"kind": "metrics", "values": values}))

    def add(self, entry: Entry) -> None:
        """Adds to what is written of this position."""
        self._entries.append(entry)

    def drew(self, kind: str, key: str) -> None:
        """Notes for the layer tree that a layer has this kind of picture."""
        kinds = self._drawn.setdefault(key, [])
        if kind not in kinds:
            kinds.append(kind)

    def arrived(self, member: Visual, position: Position) -> None:
        """A callback has had its turn at this position; after the last one all is handed over."""
        self.open(position)
        self._arrived.add(id(member))
        # Between epochs nobody waits: callbacks that go by epochs have no turn there.
        if position.batch is not None or all(id(other) in self._arrived for other in self._members):
            self._hand_over()

    def _hand_over(self) -> None:
        position, entries = self._position, self._entries
        self._entries, self._arrived = [], set()
        with self._lock:
            entries += self._late
            self._late = []
        if position is None or not entries:
            return
        if self._wanted is not None and not self._model_written:
            self._model_written = True
            entries = [*self._described(), *entries]
        entries.append(Record(self.costs.record(self._writer.cpu_seconds)))

        def job(writer: Writer) -> None:
            for entry in entries:
                entry.write(writer, position)

        self.costs.waited(self._writer.submit(job))

    def _described(self) -> list[Entry]:
        from tbviz.callbacks.tree import model_record  # noqa: PLC0415  (imports this room)

        if self.looker is None:
            return []
        survey = self.looker.survey(self._probe.inputs)
        meta, payload = model_record(self.looker.model, survey, self._drawn)
        return [Record(meta, [payload], placed=False)]

    # Looking

    def look_into(self, model: Any) -> Looker:
        """The looker for this model, made once and kept."""
        self.looker = looker_of(model)
        return self.looker

    def survey(self, model: Any) -> Survey:
        """What the model has to show on the probe."""
        return self.look_into(model).survey(self._probe.inputs_for(model))

    def recording(self, model: Any) -> Recording:
        """What the model answers to the probe at this position: one pass for all callbacks."""
        looker = self.look_into(model)
        self._forget_if_changed(looker)
        if self._wanted is None:
            survey = self.survey(model)
            chosen = {
                output.key: output
                for member in self._members
                for output in member.choose(survey)
            }
            self._wanted = sorted(chosen.values(), key=lambda output: output.order)
        if self._recording is None:
            self._recording = looker.record(self._wanted, self._probe.inputs_for(model))
            self._write_probe(model)
            self._write_predictions(self._recording)
        return self._recording

    def _forget_if_changed(self, looker: Looker) -> None:
        looker.check()
        if looker.restarts == self._restarts:
            return
        if self._restarts is not None and self._wanted is not None:
            self.notice(
                "tbviz",
                "the model's structure has changed; its layers are looked up and compiled anew",
                level="info",
                key=("tbviz", "structure", str(looker.restarts)),
            )
            self._wanted = None
            self._model_written = False
            for member in self._members:
                member.forget()
        self._restarts = looker.restarts

    def note_weights(self, model: Any) -> None:
        """Notes what the weights are at a look, for `weights_differ`."""
        self._weights = _signature(model)

    def weights_differ(self, model: Any) -> bool:
        """Whether the weights changed since the last look.

        `EarlyStopping` may have put back the best ones, an optimizer its averages.
        """
        return self._weights is not None and _signature(model) != self._weights

    def probe_of(self, member: Visual) -> tuple[Probe, list[int]]:
        """A callback's probe, and where its images stand among those of all callbacks."""
        return self._probe.of(member)

    @property
    def probe(self) -> Probe | None:
        """The probe of all callbacks together."""
        return self._probe.together

    def _write_probe(self, model: Any) -> None:
        probe = self._probe.together
        if self._probe_written or probe is None:
            return
        self._probe_written = True
        pictures = probe.pictures()
        if pictures is None:
            return
        shown, (low, high) = display(pictures)
        labels = probe.labels or [None] * probe.count
        images = [
            {"name": name, "label": label, "class": probe.class_name(label)}
            for name, label in zip(probe.names(), labels, strict=True)
        ]
        meta = {
            "kind": "probe",
            "media": "rgb8",
            "size": list(shown.shape[1:3]),
            "range": [low, high],
            "images": images,
            "class_names": probe.class_names,
        }
        payload = [encode_rgb(image[None], 1).png for image in shown]
        self._entries.insert(0, Record(meta, payload, placed=False))

    def _write_predictions(self, recording: Recording) -> None:
        probe = self._probe.together
        if probe is None:
            return
        values = recording.probabilities
        scale = "score" if values is None else "probability"
        values = recording.scores if values is None else values
        top = np.argsort(-values, axis=1, kind="stable")[:, :TOP_CLASSES]
        images = [
            [[int(index), float(f"{row[index]:.6g}")] for index in best]
            for row, best in zip(values, top, strict=True)
        ]
        self.add(Record({"kind": "predictions", "scale": scale, "images": images}))

    # Saying what went wrong

    def notice(  # noqa: PLR0913  (the fields of a notice)
        self,
        method: str,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        key: tuple[str, ...] | None = None,
    ) -> None:
        """Says once what was left out, why and what to do: to the log and to the page.

        Not with `warnings.warn`: under `python -W error` that would end training.
        """
        once = key or (method, layer or "", text)
        with self._lock:
            if once in self._said:
                return
            self._said.add(once)
            record = Record(
                {
                    "kind": "notice",
                    "level": level,
                    "method": method,
                    "layer": layer,
                    "text": text,
                    "remedy": remedy,
                },
            )
            self._late.append(record)
        said = f"{method}{f' at {layer}' if layer else ''}: {text}"
        _log.log(
            logging.WARNING if level == "warning" else logging.INFO,
            "tbviz %s%s",
            said,
            f". {remedy}" if remedy else "",
        )

    def _writing_failed(self, error: Exception) -> None:
        self.notice(
            "store",
            f"a position could not be written ({error})",
            "training goes on; free the disk or make the log directory writable, later steps "
            "are tried again",
            key=("store", type(error).__name__),
        )


# Weak: a session whose callbacks are gone can end, and its model be freed.
_SESSIONS: weakref.WeakValueDictionary[tuple[int, str], Session] = weakref.WeakValueDictionary()


def session_of(member: Visual, model: Any, params: Mapping[str, Any]) -> Session:
    """The session that a callback joins when its `fit` begins.

    One that is still open from a `fit` that died (an exception ends it without a hook) is closed
    as failed first.
    """
    log_dir = os.path.abspath(os.path.expanduser(os.fspath(member.log_dir)))
    key = (id(model), log_dir)
    session = _SESSIONS.get(key)
    if session is not None and (session.closed or session.begun or session.has(member)):
        session.close("failed", "the training before this one ended without saying so")
        session = None
    if session is None:
        session = _SESSIONS[key] = Session(log_dir, params)
    session.join(member)
    return session



def _signature(model: Any) -> int:
    """A checksum over a few small variables: when weights are replaced, all of them are."""
    variables = [v for v in model.trainable_variables if np.prod(v.shape) <= 65536]
    chosen = variables[:: max(len(variables) // 8, 1)][:8]
    checksum = 0
    for variable in chosen:
        values = np.ascontiguousarray(keras.ops.convert_to_numpy(variable.value))
        checksum = zlib.crc32(values.tobytes(), checksum)
    return checksum


def _abandon(writer: BackgroundWriter, state: Mapping[str, bool]) -> None:
    """Ends the store of a `fit` that died: at exit, or when its callbacks are collected."""
    if state["begun"]:
        reason = "the process ended or an exception left fit before its end"
        end = {"kind": "fit", "event": "end", "status": "failed", "reason": reason}
        writer.submit(lambda target: target.append(end))
    writer.close()
