"""Report once, to the log and to the page, what happened in a `fit` and what to do."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable
from typing import Final

from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.store.format.events import Event, key_of

_log = logging.getLogger("tbviz")

# One mistake of the user causes these at several layers, with the same sentence.
_SAID_ONCE: Final[frozenset[Event]] = frozenset(
    {"disabled", "duplicate_pictures", "error", "left_out"}
)


class Notices:
    """The notices of one `fit` into one log directory, from any thread."""

    def __init__(self) -> None:
        self._reported: set[str] = set()
        self._said: set[tuple[Event, str, str, str | None]] = set()
        self._records: list[MetaRecord] = []
        # Reentrant: garbage collection inside `report` may end the run log of these notices.
        self._lock = threading.RLock()

    def report(
        self,
        method: str,
        text: str,
        remedy: str | None = None,
        layer: str | None = None,
        level: str = "warning",
        *,
        event: Event,
        rule: str | None = None,
        detail: Iterable[object] = (),
        positioned: bool = True,
        logged: bool = False,
    ) -> None:
        """Report a notice, unless the same one was reported before.

        Notices are the same if they have the same event, method, layer, rule and detail; their
        sentences do not count. Each is a record, so that the page can name every layer; the log
        has the sentence of a mistake once per callback.

        Args:
            method: The name of the callback, or `"tbviz"` if it concerns all of them.
            text: What happened, for a person.
            remedy: What the user can do. Defaults to None: nothing.
            layer: The path of the layer that it concerns. Defaults to None: no single layer.
            level: `"warning"`, or `"info"` if nothing is wrong. Defaults to "warning".
            event: What happened, for programs.
            rule: The rule of advice, or the argument that sets a limit. Defaults to None.
            detail: What else distinguishes it from others, such as numbers and names in the text.
                Defaults to nothing.
            positioned: Whether it belongs to a position, and is lost if that cannot be written.
                Defaults to True.
            logged: Whether the log has it already. Defaults to False.
        """
        with self._lock:
            key = key_of(event, method, layer, rule, detail)
            if key in self._reported:
                return
            self._reported.add(key)
            fields = {"level": level, "method": method, "layer": layer, "rule": rule}
            content = {"text": text, "remedy": remedy}
            meta = {"kind": "notice", "event": event, "key": key, **fields, **content}
            self._records.append(MetaRecord(meta, positioned=positioned))
            sentence = event, method, text, remedy
            logged = logged or (event in _SAID_ONCE and sentence in self._said)
            self._said.add(sentence)
        if logged:
            return
        who = "tbviz" if method == "tbviz" else f"tbviz {method}"
        where = f" at {layer}" if layer else ""
        _log.log(
            logging.WARNING if level == "warning" else logging.INFO,
            "%s%s: %s%s",
            who,
            where,
            text,
            f". {remedy}" if remedy else "",
        )

    def take(self) -> list[MetaRecord]:
        """Return the records of all notices since the last call."""
        with self._lock:
            records, self._records = self._records, []
        return records
