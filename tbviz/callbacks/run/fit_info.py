"""Information at the beginning of a `fit`: what is planned, and how much disk it will take."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import keras

from tbviz.amounts import in_bytes
from tbviz.store.disk.locations import Location
from tbviz.version import __version__


def fit_fields(
    model_name: str, epochs: int | None, initial_epoch: int, steps: int | None
) -> dict[str, Any]:
    """Return the fields of a `fit` record that begins a run."""
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
    """Return a function that describes how much disk a run will take.

    Args:
        log_dir: The log directory.
        epochs: The number of captured epochs, or None if not every epoch is captured.
        limit: Bytes that the store may have. Defaults to None: no limit.
        thinned: Whether snapshots may be skipped. Defaults to False.

    Returns:
        A function of the bytes of one position, and of the callbacks that are missing there.
    """

    def describe(size: int, missing: Sequence[str]) -> str:
        text = forecast(size)
        return f"{text}; {', '.join(missing)} not counted" if missing else text

    def forecast(size: int) -> str:
        if epochs is None:
            return f"about {in_bytes(size)} per snapshot, written to {log_dir}"
        count = f"{epochs} epoch{'s' if epochs > 1 else ''}"
        total = f"{in_bytes(size * epochs)} for {count}, written to {log_dir}"
        if limit is not None and size * epochs > limit:
            return (
                f"about {in_bytes(size)} per snapshot, at most {in_bytes(limit)} for {count} "
                f"(some snapshots are skipped), written to {log_dir}"
            )
        if thinned:
            return f"about {in_bytes(size)} per snapshot, at most about {total}"
        return f"about {in_bytes(size)} per epoch, {total}"

    return describe


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None
