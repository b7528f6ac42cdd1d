"""What is said when a `fit` begins: what is planned, and what it will take on disk."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tbviz.amounts import in_bytes
from tbviz.store.locations import Location
from tbviz.version import __version__


def fit_fields(
    model_name: str, epochs: int | None, initial_epoch: int, steps: int | None
) -> dict[str, Any]:
    """The fields of a `fit` record that begins a run."""
    backend = keras.backend.backend()
    return {
        "epochs": epochs,
        "initial_epoch": initial_epoch,
        "steps": steps,
        "backend": backend,
        "versions": {
            "keras": keras.__version__,
            backend: _version(backend),
            "tbviz": __version__,
        },
        "model": model_name,
    }


def size_forecast(
    log_dir: Location, epochs: int | None, limit: int | None = None, *, thinned: bool = False
) -> Callable[[int, Sequence[str]], str]:
    """Makes the function that says in words what a run takes.

    Args:
        log_dir: where it lies.
        epochs: how many are looked at, `None` where it is not every one.
        limit: bytes that the store may have, `None` for any.
        thinned: whether looks may be left out.

    Returns:
        A function of the bytes of one position, and of the callbacks that lack there.
    """

    def said(size: int, lacking: Sequence[str]) -> str:
        text = forecast(size)
        return f"{text}; {', '.join(lacking)} not counted" if lacking else text

    def forecast(size: int) -> str:
        if epochs is None:
            return f"about {in_bytes(size)} a look, in {log_dir}"
        count = f"{epochs} epoch{'s' if epochs > 1 else ''}"
        total = f"{in_bytes(size * epochs)} for {count}, in {log_dir}"
        if limit is not None and size * epochs > limit:
            return (
                f"about {in_bytes(size)} a look, at most {in_bytes(limit)} for {count}: looks "
                f"are thinned, in {log_dir}"
            )
        if thinned:
            return f"about {in_bytes(size)} a look, at most about {total}"
        return f"about {in_bytes(size)} an epoch, {total}"

    return said


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
