"""A fit into a log directory whose store has another format begins a segment beside it."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np

import tbviz
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader

GOLDEN = Path(__file__).parents[1] / "golden" / "format-1"


def test_a_fit_begins_a_segment_beside_it(tmp_path, recwarn, capsys):
    shutil.copytree(GOLDEN, tmp_path / "run")
    store = store_directory(tmp_path / "run")
    before = {path.name: path.read_bytes() for path in store.iterdir()}
    images = np.random.default_rng(0).random((4, 6, 6, 1)).astype("float32")
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), keras.layers.Conv2D(2, 3, name="conv"), keras.layers.Flatten()]
    )
    model.compile("sgd", "mse")
    grid = tbviz.ActivationGrid(tmp_path / "run", images[:2], strict=True)
    model.fit(images, np.zeros((4, 32)), epochs=2, verbose=0, callbacks=[grid])
    assert {name: (store / name).read_bytes() for name in before} == before
    run = open_reader(tmp_path / "run")
    assert [segment.seq for segment in run.segments] == [1, 2]
    assert [(number, position.epoch) for number, position in run.positions] == [(2, 0), (2, 1)]
    assert [bool(segment.refused) for segment in run.segments] == [True, False]
    assert not [entry for entry in run.segments[1].notices if entry.meta["level"] == "warning"]
    assert "format" not in capsys.readouterr().err
    assert not list(recwarn)
