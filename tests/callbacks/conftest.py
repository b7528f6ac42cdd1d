from __future__ import annotations

import logging
import threading

import pytest


@pytest.fixture(autouse=True)
def no_thread_is_left():
    before = set(threading.enumerate())
    yield
    left = [thread.name for thread in threading.enumerate() if thread not in before]
    assert [name for name in left if name.startswith("tbviz")] == []


@pytest.fixture(autouse=True)
def nothing_of_ours_warns(recwarn):
    """The error boundary keeps warnings from becoming errors, so they are looked for here."""
    yield
    assert [str(w.message) for w in recwarn.list if "tbviz" in w.filename] == []


@pytest.fixture
def said(caplog):
    """What the logger said, by level name."""
    caplog.set_level(logging.INFO, logger="tbviz")

    def texts(level: str = "WARNING") -> list[str]:
        return [r.getMessage() for r in caplog.records if (r.name, r.levelname) == ("tbviz", level)]

    return texts
