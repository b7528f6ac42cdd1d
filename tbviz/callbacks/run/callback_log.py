"""Bind a log to a callback: everything that is written through it carries the callback's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from tbviz.callbacks.limits.cost_meter import CallbackId
from tbviz.callbacks.run.error_boundary import boundary
from tbviz.callbacks.run.notices import Notices
from tbviz.callbacks.run.pictures import ColorPicture, GrayPicture, LogEntry, MetaRecord
from tbviz.callbacks.run.submodel_naming import SubmodelNaming
from tbviz.store.format.events import Event
from tbviz.store.format.schema import FitPosition


class Author(Protocol):
    """What a log needs of the callback that it is bound to."""

    @property
    def method(self) -> str:
        """The name of the callback in notices."""

    @property
    def strict(self) -> bool:
        """Whether errors are raised."""

    @property
    def callback_id(self) -> CallbackId | None:
        """The callback's identity in costs; None if it stands for all callbacks."""


@dataclass
class AllCallbacks:
    """The author of what concerns all callbacks of a `fit`.

    Attributes:
        strict: Whether any of them is strict.
    """

    strict: bool = False
    method: str = "tbviz"
    callback_id: CallbackId | None = None


class SharedLog(Protocol):
    """What a bound log needs of the run log that it writes into."""

    notices: Notices

    @property
    def position(self) -> FitPosition | None:
        """The position that is being logged."""

    def add(self, entry: LogEntry, author: CallbackId | None) -> None:
        """Add a record to this position."""

    def author_of(self, kind: str, layer: str) -> CallbackId | None:
        """Return who was the first to log a kind of a layer."""


class CallbackLog:
    """The log of one callback. `RunLog.bind` makes it.

    Args:
        log: The run log.
        author: The callback.
        caveat: Returns a note to add to a picture, or None. Defaults to None: no notes.
        naming: Names layers and images. Defaults to None: those of the fitted model.
    """

    def __init__(
        self,
        log: SharedLog,
        author: Author,
        caveat: Callable[[GrayPicture | ColorPicture], str | None] | None = None,
        naming: SubmodelNaming | None = None,
    ) -> None:
        self._log = log
        self._author = author
        self._caveat = caveat
        self._naming = naming or SubmodelNaming()

    @property
    def position(self) -> FitPosition | None:
        """The position that is being logged."""
        return self._log.position

    def add(self, entry: LogEntry) -> None:
        """Add a picture or a record to this position.

        A series has one record per position: if two callbacks log the same kind of picture of
        one layer, the first one's is written, and a notice reports it.
        """
        if self._caveat is not None and not isinstance(entry, MetaRecord):
            caveat = self._caveat(entry)
            entry = entry if caveat is None else entry.with_note(caveat)
        self._log.add(self._naming.entry(entry), self._author.callback_id)

    def others_log(self, kind: str, layer: str = "") -> bool:
        """Return whether another callback was the first in this `fit` to log a kind of a layer."""
        author = self._log.author_of(kind, self._naming.path(layer))
        return author not in (None, self._author.callback_id)

    def notice(
        self,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        *,
        event: Event,
        rule: str | None = None,
        detail: Iterable[object] = (),
    ) -> None:
        """Report once what happened and what to do; see `Notices.report`."""
        self._log.notices.report(
            self._author.method,
            text,
            remedy,
            self._naming.concern(layer),
            level,
            event=event,
            rule=rule,
            detail=detail,
        )

    def guard(
        self, layer: str | None = None, *, part: str | None = None
    ) -> AbstractContextManager[None]:
        """Return an error boundary: what fails inside is reported once, and the rest goes on.

        A strict callback's errors are raised.

        Args:
            layer: The path of the layer that is being captured. Defaults to None: no single layer.
            part: A method of the callback that fails alone; the notice names it behind the
                callback. Defaults to None: the whole callback.
        """
        method = self._author.method if part is None else f"{self._author.method} {part}"

        def report(text: str, remedy: str | None, kind: str) -> None:
            concern = self._naming.concern(layer)
            self._log.notices.report(method, text, remedy, concern, event="error", detail=[kind])

        return boundary(report, strict=self._author.strict)
