"""The error boundary: a monitor never ends the run that it watches.

Whatever fails inside is reported once, with method, layer and remedy, and training goes on.
`warnings.warn` is never used: under `python -W error` it would end training.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tbviz.callbacks.run.run_log import RunLog
from tbviz.errors import TbvizError

_log = logging.getLogger("tbviz")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_GENERAL_REMEDY = "training goes on without this; strict=True raises the error with its traceback"


@contextmanager
def boundary(
    run_log: RunLog,
    method: str,
    *,
    strict: bool,
    layer: str | None = None,
    remedy: str | None = None,
) -> Iterator[None]:
    """Report once what fails inside, and go on.

    Args:
        run_log: takes the notice.
        method: the callback that is at work.
        strict: raise it instead.
        layer: path of the layer that is being drawn.
        remedy: what the user can do. Defaults to general advice.
    """
    try:
        with _warnings_do_not_raise():
            yield
    except Exception as error:
        if strict:
            raise
        _log.debug("where it was raised", exc_info=True)
        if isinstance(error, TbvizError):  # its text says what to do
            text, advice = str(error), remedy
        else:
            text = f"{type(error).__name__}: {in_short(error)}"
            advice = remedy or _GENERAL_REMEDY
        kind = type(error).__name__
        run_log.notice(method, text, advice, layer or None, event="error", detail=[kind])


@contextmanager
def _warnings_do_not_raise() -> Iterator[None]:
    """Show warnings of Keras or numpy instead of raising them under `python -W error`."""
    if not any(entry[0] == "error" for entry in warnings.filters):
        yield
        return
    with warnings.catch_warnings():
        # Only what would raise is turned: what the user has silenced stays silent.
        warnings.filters = [
            ("default", *entry[1:]) if entry[0] == "error" else entry for entry in warnings.filters
        ]
        yield


def in_short(error: BaseException) -> str:
    """Return the first lines of an error: those of Keras and TensorFlow go on for pages."""
    plain = _COLORS.sub("", str(error))  # Keras prints its messages in bold
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    text = " ".join(lines[:3]) or "(no message)"
    return text if len(text) <= 400 else text[:397] + "..."
