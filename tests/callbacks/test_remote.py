"""Real fits into an object store: fsspec's memory file system stands for it."""

from __future__ import annotations

from pathlib import Path

import fsspec
import keras
import pytest
from callbacks.nets import cached_model, data, wait_for_writer
from fsspec.implementations.memory import MemoryFileSystem

import tbviz
from tbviz.store.control import Orders, write_orders
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import StoreError
from tbviz.store.read.reader import open_reader


class At(keras.callbacks.Callback):
    """Does something when an epoch begins."""

    def __init__(self, epoch, what):
        super().__init__()
        self.epoch, self.what = epoch, what

    def on_epoch_begin(self, epoch, logs=None):
        if epoch == self.epoch:
            self.what()


def fit(callbacks, epochs):
    x, y = data(16)
    cached_model().fit(x, y, 8, epochs, verbose=0, callbacks=callbacks)


def parts(bucket):
    names = fsspec.filesystem("memory").find(f"{bucket}/run/plugins/tbviz")
    return [name for name in names if name.endswith(".part")]


def test_a_fit_into_an_object_store_is_read_back(bucket, messages):
    images, _ = data(2)
    fit([tbviz.ActivationGrid(f"{bucket}/run", images), tbviz.Kernels(f"{bucket}/run")], 2)
    assert messages() == []
    run = open_reader(f"{bucket}/run")
    assert [(epoch, final) for _, (epoch, _, final) in run.positions] == [(0, False), (1, False)]
    (segment,) = run.segments
    assert (segment.damaged, segment.finish["status"]) == (0, "finished")
    assert len(segment.models) == len(segment.probes) == 1
    for kind, layer in run.series():
        assert run.picture(kind, layer, 0).startswith(b"\x89PNG")
    assert run.picture("activations", "conv1", 1) != run.picture("activations", "conv1", 0)
    # One position is one object, or a few at the beginning.
    assert len(parts(bucket)) <= 2 + 5


def test_a_store_that_fails_for_a_while_costs_positions_and_one_notice(
    bucket, messages, monkeypatch
):
    failing = []
    original = MemoryFileSystem.pipe_file

    def pipe_file(fs, path, value, **options):
        if failing:
            raise RuntimeError("SlowDown")
        return original(fs, path, value, **options)

    monkeypatch.setattr(MemoryFileSystem, "pipe_file", pipe_file)
    callbacks = [
        tbviz.Kernels(f"{bucket}/run"),
        At(2, lambda: failing.append(1)),
        At(4, failing.clear),
    ]
    fit(callbacks, 6)
    [text] = messages()
    assert "SlowDown" in text
    assert "later positions are tried" in text
    found = [epoch for _, (epoch, _, _) in open_reader(f"{bucket}/run").positions]
    # What is in hand is written while the next epoch runs: epochs 1 and 3 come out either way.
    assert {0, 4, 5} <= set(found) <= {0, 1, 3, 4, 5}
    (segment,) = open_reader(f"{bucket}/run").segments
    assert segment.damaged == 0


def test_a_store_that_is_deleted_while_training_begins_anew(bucket, messages):
    fs = fsspec.filesystem("memory")
    remove = At(2, lambda: (wait_for_writer(), fs.rm(f"{bucket}/run", recursive=True)))
    fit([remove, tbviz.Kernels(f"{bucket}/run")], 5)
    [text] = messages()
    assert "was deleted while" in text
    (segment,) = open_reader(f"{bucket}/run").segments
    assert segment.begin["epochs"] == 5
    assert segment.damaged == 0
    assert segment.position(len(segment) - 1).epoch == 4


def test_orders_reach_a_training_over_an_object_store(bucket):
    store = store_directory(f"{bucket}/run")
    order = At(1, lambda: write_orders(store, Orders(every=3)))
    fit([order, tbviz.Kernels(f"{bucket}/run")], 6)
    captured_positions = {
        position
        for _, segment in open_reader(f"{bucket}/run").based()
        for position, _ in segment.series["kernels", "conv1"].positions
    }
    assert len(captured_positions) < 6


def test_a_missing_package_is_reported_when_the_callback_is_made():
    with pytest.raises(StoreError, match=r"pip install 'tbviz\[remote\]'"):
        tbviz.Kernels("nosuch://bucket/logs")
    with pytest.raises(StoreError, match="pass a string"):
        tbviz.Kernels(Path("s3://bucket/logs"))
