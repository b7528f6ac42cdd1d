"""What a recording is made of. Each part has a process of its own: one backend, one thread, seeds.

The environment is set by `environment` before Python starts, so that nothing is imported earlier.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_SEED: Final = 7
_TORCH: Final = {"channels-first"}


def environment(part: str, tree: Path) -> dict[str, str]:
    """The environment of a part's process."""
    threads = ("OMP", "OPENBLAS", "MKL", "NUMEXPR")
    return {
        **os.environ,
        **{f"{name}_NUM_THREADS": "1" for name in threads},
        "TF_NUM_INTRAOP_THREADS": "1",
        "TF_NUM_INTEROP_THREADS": "1",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_DETERMINISTIC_OPS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "CUDA_VISIBLE_DEVICES": "",
        "KERAS_BACKEND": "torch" if part in _TORCH else "tensorflow",
        "PYTHONPATH": str(tree),
    }


def run(part: str, tree: Path, pictures: Path) -> Any:
    """Record one part.

    Args:
        part: A key of `PARTS`.
        tree: Where this copy of the project lies.
        pictures: A folder for what the page drew.
    """
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # log directories have short names: no path of this machine is in them
        return PARTS[part](tree, pictures)


def _net(module: str, name: str) -> Callable[[Path, Path], Any]:
    def record(_: Path, __: Path) -> Any:
        import importlib

        _seeds()
        from benchmarks.freeze.training import train

        build = getattr(importlib.import_module(f"benchmarks.freeze.{module}"), name)
        return train(build())

    return record


def _seeds() -> None:
    import keras

    keras.utils.set_random_seed(_SEED)
    if keras.backend.backend() == "torch":
        import torch

        torch.set_num_threads(1)
        torch.use_deterministic_algorithms(True)


def _functions(_: Path, __: Path) -> Any:
    _seeds()
    from benchmarks.freeze import functions

    return functions.functions()


def _http(tree: Path, _: Path) -> Any:
    from benchmarks.freeze.http_answers import answers

    return answers(tree / "tests" / "golden")


def _page(tree: Path, pictures: Path) -> Any:
    from benchmarks.freeze.page import drawn

    return drawn(tree, pictures)


# The slowest first: two run at once.
PARTS: Final[dict[str, Callable[[Path, Path], Any]]] = {
    "demo": _net("nets", "demo"),
    "nested": _net("nets", "nested"),
    "two-outputs": _net("nets", "two_outputs"),
    "gan": _net("gan", "gan"),
    "channels-first": _net("nets", "channels_first"),
    "functions": _functions,
    "page": _page,
    "http": _http,
}
