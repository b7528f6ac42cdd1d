"""Runs a measurement in a separate process, since a process has one backend and one heap."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

BACKENDS = ("tensorflow", "jax", "torch")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Return a parser of the options of all benchmarks over backends: `--backend`, repeatable."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--backend",
        action="append",
        choices=BACKENDS,
        help="a backend to run on; repeatable. Defaults to all three",
    )
    return made


def fresh_python(backend: str, *arguments: str) -> str:
    """Run Python with Keras on a backend; return its output.

    Raises:
        SystemExit: it failed, with its error output.
    """
    done = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"{backend}, {' '.join(arguments)}:\n{done.stderr}")
    return done.stdout
