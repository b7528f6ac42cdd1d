"""Of several processes only the primary one captures and writes."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import keras
import pytest

from tbviz.callbacks.run.distributed import is_cluster_primary, is_primary


def cluster(kind, index, hosts=None):
    return json.dumps({"cluster": hosts or {}, "task": {"type": kind, "index": index}})


@pytest.fixture
def on(monkeypatch):
    """Fakes the backend that Keras runs on, and its module."""

    def fake(name, module=None):
        monkeypatch.setattr(keras.backend, "backend", lambda: name)
        if module is not None:
            monkeypatch.setitem(sys.modules, name, module)

    return fake


@pytest.mark.parametrize(
    ("config", "primary"),
    [
        (None, True),
        ("", True),
        ("no JSON", True),
        ("[1]", True),
        ("{}", True),
        (cluster("worker", 1), True),  # a task of no cluster
        (cluster("worker", 0, {"worker": ["a", "b"]}), True),
        (cluster("worker", 1, {"worker": ["a", "b"]}), False),
        (cluster("worker", "1", {"worker": ["a", "b"]}), False),
        (cluster("chief", 0, {"chief": ["a"], "worker": ["b"]}), True),
        (cluster("worker", 0, {"chief": ["a"], "worker": ["b"]}), False),
        (cluster("master", 0, {"master": ["a"], "worker": ["b"]}), True),
        (cluster("evaluator", 0, {"worker": ["a"], "evaluator": ["b"]}), False),
        (cluster("ps", 0, {"worker": ["a"], "ps": ["b"]}), False),
    ],
)
def test_the_task_in_tf_config(monkeypatch, on, config, primary):
    on("tensorflow")
    assert is_cluster_primary(config) is primary
    monkeypatch.delenv("TF_CONFIG", raising=False)
    if config is not None:
        monkeypatch.setenv("TF_CONFIG", config)
    assert is_primary() is primary


@pytest.mark.parametrize("rank", [0, 1])
def test_the_process_index_of_jax(monkeypatch, on, rank):
    on("jax", SimpleNamespace(process_index=lambda: rank))
    monkeypatch.setenv("RANK", "5")  # of another backend
    assert is_primary() is (rank == 0)


def distributed(available, initialized, rank):
    return SimpleNamespace(
        is_available=lambda: available,
        is_initialized=lambda: initialized,
        get_rank=lambda: rank,
    )


# RANK and WORLD_SIZE, as torchrun sets them.
@pytest.mark.parametrize(
    ("group", "environment", "primary"),
    [
        (distributed(available=True, initialized=True, rank=0), ("1", "2"), True),
        (distributed(available=True, initialized=True, rank=1), ("0", "2"), False),
        (distributed(available=True, initialized=False, rank=-1), ("1", "2"), False),
        (distributed(available=True, initialized=False, rank=-1), ("0", "2"), True),
        (distributed(available=False, initialized=True, rank=1), (None, None), True),
        (None, ("2", "3"), False),
        (None, ("odd", "3"), True),
        (None, ("2", None), True),  # of an array of jobs, each of them alone
        (None, ("1", "1"), True),
    ],
)
def test_the_rank_of_torch(monkeypatch, on, group, environment, primary):
    on("torch", SimpleNamespace(distributed=group) if group else SimpleNamespace())
    for name, value in zip(("RANK", "WORLD_SIZE"), environment, strict=True):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    monkeypatch.setenv(
        "TF_CONFIG", cluster("worker", 1, {"worker": ["a", "b"]})
    )  # another backend's
    assert is_primary() is primary


def test_a_backend_without_processes_has_a_primary_process_only(monkeypatch, on):
    monkeypatch.setenv("TF_CONFIG", cluster("worker", 1, {"worker": ["a", "b"]}))
    on("numpy")
    assert is_primary()
