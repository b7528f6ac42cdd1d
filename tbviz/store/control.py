"""Write and read orders to a running training: a small file in the store, read by callbacks."""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

from tbviz.store.disk.files import open_file
from tbviz.store.disk.locations import Location, RemoteLocation
from tbviz.store.disk.object_store import ObjectStore
from tbviz.store.errors import StoreError

FILE = "control.json"
_MAX_BYTES = 4096


class Orders(NamedTuple):
    """What a running training is asked to do. If there is no file, these are the defaults.

    Args:
        paused: Whether callbacks are paused until this is canceled. Defaults to False.
        every: Capture at the ends of epochs 0, n, 2n, ... instead of following the schedules.
            Defaults to None: the schedules decide.
        now: A text that changes with each request for an immediate snapshot. Defaults to "": no
            request yet.
    """

    paused: bool = False
    every: int | None = None
    now: str = ""


def read_orders(store: Location) -> Orders:
    """Read the orders in a store.

    Args:
        store: `<log_dir>/plugins/tbviz`.

    Raises:
        StoreError: If the file is invalid, or cannot be read.
    """
    path = store / FILE
    try:
        data = _read(store)
    except (FileNotFoundError, NotADirectoryError):
        return Orders()
    except OSError as error:
        raise StoreError(f"{path} could not be read: {error.strerror or error}") from error
    try:
        fields: Any = json.loads(data)
        paused, every, now = fields.get("paused", False), fields.get("every"), fields.get("now", "")
    except (ValueError, AttributeError, RecursionError) as error:
        raise StoreError(_unusable(path, data)) from error
    whole = every is None or (type(every) is int and every > 0)
    if type(paused) is not bool or type(now) is not str or not whole:
        raise StoreError(_unusable(path, data))
    return Orders(paused, every, now)


def write_orders(store: Location, orders: Orders) -> None:
    """Write orders to a store, replacing those that are there.

    Raises:
        StoreError: If the file cannot be written.
    """
    path = store / FILE
    try:
        _write(store, json.dumps(orders._asdict()).encode("ascii") + b"\n")
    except OSError as error:
        raise StoreError(
            f"could not write {path}: {error.strerror or error}; expected a "
            "writable store; run the command on a machine that can write to the log directory"
        ) from error


def _read(store: Location) -> bytes:
    if isinstance(store, RemoteLocation):
        return ObjectStore(store).get(FILE, _MAX_BYTES + 1)
    with open_file(store / FILE) as file:
        return file.read(_MAX_BYTES + 1)


def _write(store: Location, data: bytes) -> None:
    if isinstance(store, RemoteLocation):
        ObjectStore(store).put(FILE, data)
        return
    draft = store / f".{FILE}.{os.getpid()}"
    try:
        draft.write_bytes(data)
        draft.replace(store / FILE)  # whole, or not at all
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def _unusable(path: Location, data: bytes) -> str:
    return (
        f"received {data[:80]!r} in {path}; expected the content that `tbviz control` writes; "
        "delete the file, or run the command again"
    )
