"""A TensorBoard process as a user starts it, and what its page asks of us first."""

from __future__ import annotations

import json
import os
import re
import sys
import time
import urllib.parse
import urllib.request
import zlib
from importlib import metadata
from pathlib import Path

import pytest
from children.starting import PIPE, started
from made_stores import make_run

ROOT = Path(__file__).parents[2]
ENTRY_POINT = "tbviz.plugin.loader:Loader"
# The second: TensorBoard without its Rust data server. The third: behind a proxy.
FLAGS = [[], ["--load_fast=false"], ["--path_prefix=/foo"]]


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """An environment in which tbviz is installed, as far as TensorBoard can tell."""
    found = metadata.entry_points(group="tensorboard_plugins", name="tbviz")
    paths = [str(ROOT)]
    if not found:  # run from a checkout that is not installed
        path = tmp_path_factory.mktemp("installed")
        info = path / "tbviz-0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tbviz\nVersion: 0\n")
        (info / "entry_points.txt").write_text(f"[tensorboard_plugins]\ntbviz = {ENTRY_POINT}\n")
        paths.append(str(path))
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "TF_CPP_MIN_LOG_LEVEL": "3"}


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    path = tmp_path_factory.mktemp("logs")
    make_run(path / "a run", positions=3)
    return path


def get(url, **parameters):
    with urllib.request.urlopen(f"{url}?{urllib.parse.urlencode(parameters)}", timeout=60) as got:
        return got.headers, got.read()


def address(process):
    """Where it says that it listens."""
    lines = []
    for line in process.stderr:
        lines.append(line)
        match = re.search(r"TensorBoard \S+ at (http://\S+?)/? \(", line)
        if match:
            return match[1]
    raise AssertionError("TensorBoard did not start:\n" + "".join(lines))


@pytest.mark.slow
@pytest.mark.parametrize("flags", FLAGS, ids=["default", "python", "prefix"])
def test_the_tab_is_listed_and_a_sheet_is_served(environment, logdir, flags):
    command = [sys.executable, "-m", "tensorboard.main", "--logdir", str(logdir),
               "--host", "127.0.0.1", "--port", "0", *flags]  # fmt: skip
    with started(command, env=environment, stderr=PIPE, text=True) as process:
        base = address(process)
        assert base.endswith("/foo") is ("--path_prefix=/foo" in flags)
        routes = f"{base}/data/plugin/tbviz"
        deadline = time.monotonic() + 60
        while True:
            runs = json.loads(get(f"{routes}/runs")[1])["runs"]
            # Which runs there are is known first, and what is in them a moment later.
            if (runs and runs[0]["positions"] is not None) or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        (run,) = runs
        assert (run["run"], run["positions"]) == ("a run", 3)
        listing = json.loads(get(f"{base}/data/plugins_listing")[1])["tbviz"]
        assert (listing["enabled"], listing["tab_name"]) == (True, "tbviz")
        series = json.loads(get(f"{routes}/series", run="a run", kind="cam", layer="head/conv4")[1])
        crc = series["crc"][5]
        headers, png = get(
            f"{routes}/sheet", run="a run", writer=series["writers"][0][0],
            offset=series["offset"][5], length=series["length"][5], crc=crc,
        )  # fmt: skip
        assert zlib.crc32(png) == crc
        assert headers["Content-Type"] == "image/png"
        assert "immutable" in headers["Cache-Control"]
        entry = get(f"{base}/data/plugin_entry.html", name="tbviz")[1].decode()
        assert "./static/index.js" in entry
        headers, module = get(f"{routes}/static/index.js")
        assert headers["Content-Type"].startswith("text/javascript")
        assert module
        process.terminate()
        _, said = process.communicate(timeout=60)
    assert "Traceback" not in said, said
    assert "tbviz" not in said, said
