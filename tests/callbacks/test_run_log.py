"""When a position is on disk."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import keras
import pytest
from callbacks.nets import metas

from tbviz.callbacks.limits.training_clock import TrainingClock
from tbviz.callbacks.run import position_writer as home
from tbviz.callbacks.run.pictures import MetaRecord
from tbviz.callbacks.run.run_log import RunLog
from tbviz.store.format.schema import FitPosition


@pytest.mark.parametrize("slow", [False, True])
def test_where_threads_slow_training_a_position_is_on_disk_when_it_is_handed_over(
    tmp_path, monkeypatch, slow
):
    monkeypatch.setattr(home, "_threads_slow_training", lambda: slow)
    gate = threading.Event()
    run_log = RunLog(tmp_path, TrainingClock())
    run_log.begin({}, lambda size: "")

    def hold(writer, position):
        assert gate.wait(30)
        return MetaRecord.write(record, writer, position)

    record = MetaRecord({"kind": "metrics", "values": {"loss": 1.0}})
    blocked = SimpleNamespace(kind="metrics", layers=(), write=hold)
    if slow:
        threading.Timer(0.1, gate.set).start()
    run_log.open(FitPosition(0))
    run_log.add(blocked, None)
    run_log.hand_over()
    assert len(metas(tmp_path, "metrics")) == slow
    gate.set()
    run_log.end("finished")
    assert len(metas(tmp_path, "metrics")) == 1


@pytest.mark.parametrize(
    ("backend", "device", "slow"),
    [("torch", "cpu", True), ("torch", "cuda:0", False), ("tensorflow", "cpu", False)],
)
def test_threads_slow_torch_on_a_cpu(monkeypatch, backend, device, slow):
    monkeypatch.setattr(keras.backend, "backend", lambda: backend)
    tensor = SimpleNamespace(device=device)
    monkeypatch.setattr(keras.ops, "convert_to_tensor", lambda value: tensor)
    assert home._threads_slow_training() is slow
