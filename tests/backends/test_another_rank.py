"""Of several processes that train one model, the others neither capture nor write."""

from __future__ import annotations

import importlib
import json
import logging

import keras
from callbacks.nets import cached_model, data

import tbviz
from tbviz.callbacks.run import distributed

BACKEND = keras.backend.backend()
CLUSTER = {"cluster": {"worker": ["a", "b"]}, "task": {"type": "worker", "index": 1}}


def be_the_second(monkeypatch):
    if BACKEND == "jax":
        monkeypatch.setattr(importlib.import_module("jax"), "process_index", lambda: 1)
    elif BACKEND == "torch":
        monkeypatch.setenv("RANK", "1")
        monkeypatch.setenv("WORLD_SIZE", "2")
    else:
        monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))


def test_another_rank_writes_nothing_and_says_it_once(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO, logger="tbviz")
    be_the_second(monkeypatch)
    distributed.log_not_primary.cache_clear()
    x, y = data(8)
    for _ in range(2):
        monitor = tbviz.Monitor(tmp_path / "run", x[:2], strict=True)
        cached_model().fit(x, y, 8, 2, verbose=0, callbacks=[monitor])
    assert [r.getMessage() for r in caplog.records if r.name == "tbviz"] == [
        "tbviz: the primary process logs this fit; this process logs nothing"
    ]
    assert list(tmp_path.iterdir()) == []
