"""Runs a measurement in a process of its own, since a process has one backend and one heap."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys

BACKENDS = ("tensorflow", "jax", "torch")


def parser(description: str | None) -> argparse.ArgumentParser:
    """Options that all benchmarks over backends have: `--backend`, once for each."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument(
        "--backend",
        action="append",
        choices=BACKENDS,
        help="one of them, given again for each; all three unless given",
    )
    return made


def fresh_python(backend: str, *arguments: str) -> str:
    """Runs Python with Keras on a backend; gives what it printed.

    Raises:
        SystemExit: it failed, with what it said.
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
