"""Contain errors: a monitor never ends the run that it watches.

What fails inside is reported once, and training goes on. `warnings.warn` is never used: under
`python -W error` it would end training.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tbviz.errors import TbvizError

_log = logging.getLogger("tbviz")
_COLORS = re.compile(r"\x1b\[[0-9;]*m")
_GENERAL_REMEDY = "training goes on without this; strict=True raises the error with its traceback"


@contextmanager
def boundary(report: Callable[[str, str | None, str], None], *, strict: bool) -> Iterator[None]:
    """Report what fails inside, and go on.

    Args:
        report: Takes what happened, what the user can do, and the name of the error's class.
        strict: Raise the error instead.
    """
    try:
        with _warnings_do_not_raise():
            yield
    except Exception as error:
        if strict:
            raise
        _log.debug("the traceback of the error that is reported next", exc_info=True)
        kind = type(error).__name__
        if isinstance(error, TbvizError):  # its text says what to do
            report(str(error), None, kind)
        else:
            report(f"{kind}: {in_short(error)}", _GENERAL_REMEDY, kind)


@contextmanager
def _warnings_do_not_raise() -> Iterator[None]:
    """Show warnings of Keras or numpy instead of raising them under `python -W error`."""
    if not any(entry[0] == "error" for entry in warnings.filters):
        yield
        return
    with warnings.catch_warnings():
        # Only filters that raise are changed: what the user has silenced stays silent.
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
