"""Find the open session that a callback joins when its `fit` begins."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run.member import Member
from tbviz.callbacks.run.session import Session

# Weak: a session whose callbacks are gone can end, and its model be freed.
_SESSIONS: weakref.WeakValueDictionary[tuple[int, str], Session] = weakref.WeakValueDictionary()


@dataclass(frozen=True)
class _Disabled:
    """A callback that could not join, and what the session of its `fit` reports."""

    params: Mapping[str, Any] | None
    method: str
    text: str
    kind: str


# Until a session of the same fit and log directory has a callback. Only those of the last fit.
_DISABLED: dict[tuple[int, str], list[_Disabled]] = {}


def session_of(callback: Member, model: Any, params: Mapping[str, Any] | None) -> Session:
    """Return the session that a callback joins, after joining it.

    A session that is still open from a `fit` that died (an exception ends it without a hook) is
    closed as failed first.

    Args:
        callback: The callback.
        model: The fitted model.
        params: The params that Keras gave to the callback.

    Raises:
        TbvizError: If its probe images do not fit into one batch with those of the others that
            capture the same model.
    """
    key = _key(callback, model)
    session = _SESSIONS.get(key)
    if session is not None and not session.closed and not _can_join(session, callback, params):
        session.close("failed", "an exception left fit before its end")
    if session is None or session.closed:
        training_clock = _training_clock_of(model, params)
        session = _SESSIONS[key] = Session(
            callback.log_dir, str(model.name), params, training_clock
        )
    session.join(callback)
    _report_disabled(key, session)
    return session


def report_disabled(callback: Member, name: str, text: str, error: Exception) -> None:
    """Report in the store of the other callbacks that this one is disabled for this `fit`.

    If no other callback uses its log directory, there is no store to report it in.

    Args:
        callback: The callback.
        name: Its name in the notice.
        text: The reason.
        error: What was raised.
    """
    params = callback.params
    key = _key(callback, callback.model)
    for other, disabled in list(_DISABLED.items()):
        if any(one.params is not params for one in disabled):
            del _DISABLED[other]  # of an earlier fit
    report = _Disabled(params, name, text, type(error).__name__)
    _DISABLED.setdefault(key, []).append(report)
    session = _SESSIONS.get(key)
    if session is not None and session.joined and not session.closed:
        _report_disabled(key, session)


def _report_disabled(key: tuple[int, str], session: Session) -> None:
    for one in _DISABLED.pop(key, ()):
        if session.belongs_to(one.params):
            session.run_log.notices.report(
                one.method, one.text, event="disabled", detail=[one.kind, one.text], logged=True
            )


def _key(callback: Member, model: Any) -> tuple[int, str]:
    return id(model), str(callback.log_dir.absolute())


def _can_join(session: Session, callback: Member, params: Mapping[str, Any] | None) -> bool:
    return session.belongs_to(params) and not (session.begun or session.has(callback))


def _training_clock_of(model: Any, params: Mapping[str, Any] | None) -> TrainingClock:
    """Return the clock of another log directory in the same `fit`, or a new one."""
    for (model_id, _), other in _SESSIONS.items():
        if model_id == id(model) and other.belongs_to(params) and not (other.begun or other.closed):
            return other.training_clock
    return TrainingClock()
