from __future__ import annotations

import logging
import threading
import warnings
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in left if name.startswith("tbviz")] == []


@pytest.fixture(autouse=True)
def nothing_of_ours_warns(monkeypatch):
    """The error boundary shows warnings instead of raising them: what it shows is looked at."""
    import tbviz

    ours, show = Path(tbviz.__file__).parent, warnings.showwarning
    shown = []

    def note(message, category, filename, *args, **kwargs):
        if Path(filename).is_relative_to(ours):
            shown.append(f"{filename}: {category.__name__}: {message}")
        else:
            show(message, category, filename, *args, **kwargs)

    monkeypatch.setattr(warnings, "showwarning", note)
    yield
    assert shown == []


@pytest.fixture
def said(caplog):
    """What the logger said, by level name."""
    caplog.set_level(logging.INFO, logger="tbviz")

    def texts(level: str = "WARNING") -> list[str]:
        return [r.getMessage() for r in caplog.records if (r.name, r.levelname) == ("tbviz", level)]

    return texts


@pytest.fixture
def clock(monkeypatch):
    """A clock that stands still but where a test sets it."""
    from callbacks.pacing import Clock

    from tbviz.callbacks import costs, ledger, orders

    made = Clock()
    monkeypatch.setattr(costs, "clock", made)
    monkeypatch.setattr(ledger, "clock", made)
    monkeypatch.setattr(orders, "clock", made)
    return made
