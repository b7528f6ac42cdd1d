"""`max_disk` and a disk that hangs, in real fits."""

from __future__ import annotations

import threading

import keras
import pytest
from callbacks.limited_runs import X, fit
from callbacks.nets import metas, notices, positions, wait_for_writer

import tbviz
from tbviz.amounts import bytes_of, in_bytes, share_of
from tbviz.callbacks.run import position_writer
from tbviz.errors import TbvizError
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader


def test_a_store_stays_below_max_disk(tmp_path):
    def run(name, **settings):
        maps = tbviz.ActivationGrid(tmp_path / name, X[:4], strict=True, **settings)
        fit(maps, epochs=24)
        files = store_directory(tmp_path / name).iterdir()
        logged = [e for _, e, _, _ in positions(tmp_path / name)]
        run = open_reader(tmp_path / name)
        shown = list(run.columns("activations", "conv1")[0][2].positions.values())
        return sum(path.stat().st_size for path in files), logged, shown

    free, epochs, shown = run("free")
    assert shown == epochs == list(range(24))
    limit = free // 3
    size, epochs, shown = run("limited", max_disk=limit)
    assert epochs == list(range(24))
    assert shown[0] == 0
    assert shown[-1] == 23
    assert 3 < len(shown) < 12
    assert 0.5 * limit < size <= limit
    # What is there already counts: there is no room for a picture more.
    _, epochs, again = run("limited", max_disk=size + 100)
    assert len(epochs) == 48
    assert again == shown
    messages = [n["text"] for n in notices(tmp_path / "limited")]
    assert any(text.startswith("paused: the store is full (") for text in messages)


def test_what_users_write_for_amounts():
    assert bytes_of("5 GB") == 5_000_000_000
    assert bytes_of("1.5MiB") == 1_572_864
    assert bytes_of(1000) == bytes_of("1kB") == bytes_of(1e3) == 1000
    assert bytes_of(None) is None
    assert share_of(None) is None
    assert share_of(0.05) == 0.05
    assert in_bytes(5_000_000_000) == "5.0 GB"


@pytest.mark.parametrize("given", [0, -1, "5 parsecs", "", True, "GB", "20"])
def test_no_size(given, tmp_path):
    with pytest.raises(TbvizError, match="max_disk"):
        tbviz.ActivationGrid(tmp_path, X, max_disk=given)


@pytest.mark.parametrize("given", [0, -0.1, "5 %", 5, True, float("nan"), float("inf")])
def test_no_share(given, tmp_path):
    with pytest.raises(TbvizError, match="max_overhead"):
        tbviz.Monitor(tmp_path, X, max_overhead=given)


# A slow disk


def test_a_hanging_disk_costs_pictures_not_training(tmp_path, monkeypatch, messages):
    disk, calls = threading.Event(), []
    from tbviz.store.write.writer import Writer

    flush = Writer.flush

    def hangs(self):
        calls.append(len(calls))
        if len(calls) == 3:
            assert disk.wait(240)
        flush(self)

    monkeypatch.setattr(Writer, "flush", hangs)
    maps = tbviz.ActivationGrid(tmp_path, X[:2])

    class Hangs(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                monkeypatch.setattr(position_writer, "TIMEOUT", 0.05)

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 4:
                monkeypatch.setattr(position_writer, "TIMEOUT", 240.0)
                disk.set()
                wait_for_writer()

    fit(maps, Hangs(), epochs=8)
    slow = [text for text in messages() if "storing a position took over" in text]
    assert len(slow) == 1
    assert [e for _, e, _, _ in positions(tmp_path)] == list(range(8))
    assert len(metas(tmp_path, "metrics")) == 8
    run = open_reader(tmp_path)
    shown = list(run.columns("activations", "conv1")[0][2].positions.values())
    assert shown[0] == 0
    assert shown[-1] == 7
    assert len(shown) < 8
