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
    left = [thread for thread in threading.enumerate() if thread not in before]
    for thread in left:
        if thread.name == "tbviz-call":
            thread.join(60)  # it may have been given up while it was about to answer
    assert [one.name for one in left if one.name.startswith("tbviz") and one.is_alive()] == []


@pytest.fixture(autouse=True)
def timeouts_allow_for_busy_machines(monkeypatch):
    """Make timeouts long, unless a test sets one."""
    from tbviz.callbacks.limits import disk_limit, remote_control
    from tbviz.callbacks.run import position_writer

    for name in ("TIMEOUT", "LAST_TIMEOUT"):
        monkeypatch.setattr(position_writer, name, 240.0)
    for name in ("_TIMEOUT", "_BATCH_TIMEOUT"):
        monkeypatch.setattr(remote_control, name, 240.0)
    monkeypatch.setattr(disk_limit, "_TIMEOUT", 240.0)


@pytest.fixture(autouse=True)
def tbviz_raises_no_warning(monkeypatch):
    """Fail if a warning comes from tbviz: the error boundary shows warnings, and raises none."""
    import tbviz

    package, show = Path(tbviz.__file__).parent, warnings.showwarning
    shown = []

    def note(message, category, filename, *args, **kwargs):
        if Path(filename).is_relative_to(package):
            shown.append(f"{filename}: {category.__name__}: {message}")
        else:
            show(message, category, filename, *args, **kwargs)

    monkeypatch.setattr(warnings, "showwarning", note)
    yield
    assert shown == []


@pytest.fixture
def messages(caplog):
    """The messages of the logger, by level name."""
    caplog.set_level(logging.INFO, logger="tbviz")

    def texts(level: str = "WARNING") -> list[str]:
        return [r.getMessage() for r in caplog.records if (r.name, r.levelname) == ("tbviz", level)]

    return texts


@pytest.fixture
def clock(monkeypatch):
    """A clock that moves only if a test sets it; the writer's CPU seconds cost nothing on it."""
    from callbacks.limited_runs import Clock

    from tbviz.callbacks.limits import clock, cost_meter

    made = Clock()
    monkeypatch.setattr(cost_meter, "_cores", lambda: 1e9)
    monkeypatch.setattr(clock, "source", made)
    return made
