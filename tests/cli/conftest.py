from __future__ import annotations

import os

import pytest
from made_stores import LAYERS, make_run

from tbviz.cli import server
from tbviz.cli.main import main

# Below those that the system gives to whoever asks for any port, and an own range a process.
PORTS = range(12_000, 32_000)
EACH = 50


@pytest.fixture
def run_dir(tmp_path):
    """One run of four positions."""
    make_run(tmp_path / "run", 4, LAYERS[-1:], images=1)
    return tmp_path / "run"


@pytest.fixture
def port():
    """A free port that no other test takes meanwhile."""
    begin = PORTS.start + os.getpid() * EACH % len(PORTS)
    return next(port for port in range(begin, begin + EACH) if server._is_free(port))


@pytest.fixture
def tbviz(capsys):
    """Types a command; gives its status and what it printed."""

    def typed(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr()

    return typed
