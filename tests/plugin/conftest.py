from __future__ import annotations

import sys
import threading
import warnings
from argparse import Namespace
from pathlib import Path

import pytest

# For `import make_run`: pytest's importlib mode puts nothing on the path.
sys.path.insert(0, str(Path(__file__).parents[1]))

with warnings.catch_warnings():
    # TensorBoard's own copies of old libraries warn when they are imported.
    warnings.simplefilter("ignore")
    import tensorboard.plugin_util  # noqa: F401 - imported for what it warns of
    from tensorboard.backend import application
    from tensorboard.plugins import base_plugin

from made_stores import make_run
from werkzeug.test import Client

from tbviz.plugin.loader import Loader

BASE = "/data/plugin/tbviz"


class Board:
    """A TensorBoard in this process, with our plugin alone.

    It has searched for runs once; the test starts later walks.
    """

    def __init__(self, **context):
        self.plugin = Loader().load(base_plugin.TBContext(**context))
        # However busy the machine is, and so that no walk of before overtakes one that is made.
        discovery = self.plugin._discovery
        assert discovery._walked.wait(60)
        discovery.stop()
        for thread in threading.enumerate():
            if thread.name == "tbviz-runs":
                thread.join(60)
        self._client = Client(application.TensorBoardWSGI([self.plugin]))

    def get(self, route, method="GET", headers=None, **parameters):
        parameters = {key: str(value) for key, value in parameters.items()}
        return self._client.open(
            f"{BASE}/{route}", method=method, query_string=parameters, headers=headers
        )

    def ask(self, route, **parameters):
        """The answer of a route that must succeed."""
        response = self.get(route, **parameters)
        assert response.status_code == 200, response.get_data(as_text=True)
        return response.get_json()

    def refuse(self, code, route, **parameters):
        """The message of a route that must fail."""
        response = self.get(route, **parameters)
        assert response.status_code == code, response.get_data(as_text=True)
        return response.get_json()["error"]

    def listing(self):
        """What TensorBoard's page asks first."""
        return self._client.get("/data/plugins_listing").get_json()["tbviz"]


@pytest.fixture
def board(monkeypatch):
    """Makes TensorBoards."""
    monkeypatch.setattr("tbviz.plugin.runs._BUDGET", 60.0)  # seconds, on a machine that is busy

    def make(logdir=None, **context):
        logdir = None if logdir is None else str(logdir)
        flags = context.pop("flags", Namespace(logdir=logdir or "", logdir_spec=""))
        return Board(logdir=logdir, flags=flags, **context)

    return make


@pytest.fixture(scope="session")
def logs(tmp_path_factory):
    """A log directory with one run of twelve positions in two segments. Do not write to it."""
    logdir = tmp_path_factory.mktemp("logs")
    make_run(logdir / "photographs", positions=12, segments=2, batches=True)
    return logdir
