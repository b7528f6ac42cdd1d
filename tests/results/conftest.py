from __future__ import annotations

import shutil
from argparse import Namespace
from pathlib import Path

import pytest
from made_stores import LAYERS, make_run
from plugin.conftest import Board

GOLDEN = Path(__file__).parents[1] / "golden"
STORES = ("format-2", "format-2-parts", "format-2-rewritten", "made")
"""The golden stores, and one of two fits with every kind of picture."""


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """A log directory with a run of each of `STORES`. Do not write to it."""
    logdir = tmp_path_factory.mktemp("logs")
    for name in STORES[:-1]:
        shutil.copytree(GOLDEN / name, logdir / name)
    shown = [LAYERS[0], LAYERS[3], LAYERS[6]]
    options = {"images": 2, "segments": 2, "batches": True, "final": True, "every_kind": True}
    make_run(logdir / "made", 7, shown, **options)
    return logdir


@pytest.fixture(scope="session")
def board(logs):
    """A TensorBoard in this process, for `logs`."""
    flags = Namespace(logdir=str(logs), logdir_spec="")
    return Board(logdir=str(logs), flags=flags)
