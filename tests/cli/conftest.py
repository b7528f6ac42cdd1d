from __future__ import annotations

import pytest
from fabricate import LAYERS, fabricate

from tbviz.cli.main import main


@pytest.fixture
def run_dir(tmp_path):
    """One run of four positions."""
    fabricate(tmp_path / "run", 4, LAYERS[-1:], images=1)
    return tmp_path / "run"


@pytest.fixture
def tbviz(capsys):
    """Types a command; gives its status and what it printed."""

    def typed(*arguments):
        status = main([str(argument) for argument in arguments])
        return status, capsys.readouterr()

    return typed
