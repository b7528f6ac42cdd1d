from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from children.starting import run_program
from faults import NAME, Faults, summary
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# Ends what is stuck.
pytest_plugins = ["children.limit"]

# Before anything imports Keras, and whatever the developer's own keras.json says.
os.environ.setdefault("KERAS_BACKEND", "tensorflow")
# Before anything imports TensorFlow: what it says about missing GPUs would fill the output.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
# JAX compiles everything that it runs: quickly rather than well, and the same thing once.
os.environ.setdefault("JAX_DISABLE_MOST_OPTIMIZATIONS", "1")
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(ROOT / ".pytest_cache" / "jax"))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES", "-1")

# What tests start is on this machine: no proxy of the person who runs them is asked for it.
os.environ["no_proxy"] = os.environ["NO_PROXY"] = "127.0.0.1,localhost"

# The machine may be busy, so no example has a deadline; continuous integration draws the same
# examples every time, people draw new ones.
settings.register_profile("people", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "people")


@pytest.fixture
def fresh_python() -> Callable[[str], str]:
    """Runs code in an interpreter that has imported nothing yet; gives what it printed."""

    def fresh(code: str) -> str:
        return run_program([sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True).stdout

    return fresh


@pytest.fixture
def bucket(request):
    """A URI in a memory that stands for an object store; there is nothing under it."""
    import fsspec

    uri = "memory://" + re.sub(r"\W", "_", request.node.name)
    yield uri
    fs = fsspec.filesystem("memory")
    if fs.exists(uri):
        fs.rm(uri, recursive=True)


@pytest.fixture
def faults(record_property) -> Faults:
    """Counts what a test did to a store, for the summary."""
    counted = Faults()
    record_property(NAME, vars(counted))  # the report takes what it holds by then
    return counted


def pytest_terminal_summary(terminalreporter):
    reports = (
        report
        for outcome in ("passed", "failed")
        for report in terminalreporter.getreports(outcome)
        if report.when == "call"
    )
    lines = summary(reports)
    if lines:
        terminalreporter.section("faults")
        for line in lines:
            terminalreporter.line(line)
