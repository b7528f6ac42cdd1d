"""Distributed training: of several processes that train one model, only the primary one logs."""

from __future__ import annotations

import functools
import json
import logging
import os
import sys
from collections.abc import Mapping
from typing import Any

import keras

_log = logging.getLogger("tbviz")


def is_primary() -> bool:
    """Return whether this process is the primary one: it has rank 0, or trains alone.

    The answer is that of the backend that Keras runs on: JAX's `process_index`; the rank of
    `torch.distributed`, or the environment's `RANK` (of a `WORLD_SIZE` above 1) before that is
    initialized; the task in `TF_CONFIG`.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        return _jax_rank() == 0
    if backend == "torch":
        return _torch_rank(os.environ) == 0
    return backend != "tensorflow" or is_cluster_primary(os.environ.get("TF_CONFIG"))


def is_cluster_primary(config: str | None) -> bool:
    """Return whether a `TF_CONFIG` names a chief, or worker 0 of a cluster without one.

    Args:
        config: JSON with `cluster` and `task`; if it cannot be read, there is no cluster.
    """
    try:
        read = json.loads(config or "{}")
        cluster, task = read.get("cluster") or {}, read.get("task") or {}
        kind, index = task.get("type"), int(task.get("index", 0))
    except (ValueError, TypeError, AttributeError):
        return True
    if not cluster or kind is None:
        return True
    leaders = [name for name in ("chief", "master") if name in cluster] or ["worker"]
    return kind in leaders and index == 0


@functools.cache
def log_not_primary() -> None:
    """Log once per process why nothing is logged here."""
    _log.info("tbviz: the primary process logs this fit; this process logs nothing")


def _jax_rank() -> int:
    jax: Any = sys.modules["jax"]  # Keras runs on it
    return int(jax.process_index())


def _torch_rank(environment: Mapping[str, str]) -> int:
    distributed: Any = getattr(sys.modules["torch"], "distributed", None)
    if distributed is not None and distributed.is_available() and distributed.is_initialized():
        return int(distributed.get_rank())
    # RANK alone may be of something else, such as an array of jobs; torchrun sets both.
    rank, size = (environment.get(name, "") for name in ("RANK", "WORLD_SIZE"))
    return int(rank) if rank.isdecimal() and size.isdecimal() and int(size) > 1 else 0
