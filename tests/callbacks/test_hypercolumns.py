from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import (
    compiled,
    data,
    layers,
    metas,
    monitor,
    notices,
    sequential,
    tiles,
    vectors,
)

import tbviz
from tbviz.callbacks.hypercolumns import Hypercolumns
from tbviz.methods.hypercolumn import hypercolumns
from tbviz.store.read.reader import open_reader


class Expected(keras.callbacks.Callback):
    """Hypercolumns at each epoch's end, by the function."""

    def __init__(self, images, lists):
        super().__init__()
        self.images, self.lists = images, lists
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        former = self.found[-1] if self.found else [None] * len(self.lists)
        bases = [one and one.basis for one in former]
        self.found.append(
            [
                hypercolumns(self.model, self.images, layers=one, basis=basis)
                for one, basis in zip(self.lists, bases, strict=True)
            ]
        )


def layout_of(log_dir, kind):
    [found] = [meta for meta in metas(log_dir, "layout") if meta["picture"] == kind]
    return found


def test_each_list_is_a_tile_and_colors_keep_their_axes(tmp_path):
    x, y = data(16)
    lists = [[0, 2], ["conv*", "pool", "relu"]]
    expected = Expected(x[:3], lists)
    callback = Hypercolumns(tmp_path, x[:3], layers=lists, strict=True)
    model = sequential(rate=0.3, run_eagerly=True)
    model.fit(x, y, 8, 3, verbose=0, callbacks=[expected, callback])
    layout = layout_of(tmp_path, "hypercolumns")
    assert layout["titles"] == ["conv1 + conv2", "conv1 to relu, 4 layers"]
    assert layout["stacks"] == [["conv1", "conv2"], ["conv1", "pool", "conv2", "relu"]]
    assert (layout["tiles"], layout["images"], layout["tile"]) == (2, 3, [8, 8])
    colors = layout_of(tmp_path, "hypercolumns:colors")
    assert colors["row_titles"] == layout["titles"]
    assert colors["column_titles"] == ["image 0", "image 1", "image 2"]
    assert (colors["tiles"], colors["columns"], colors["images"]) == (6, 3, 0)
    for epoch, found in enumerate(expected.found):
        values, half = tiles(tmp_path, "hypercolumns", "", epoch, 1)
        means = np.stack([one.mean[1] for one in found])
        assert np.all(np.abs(values - means) <= half * 1.01 + 1e-5)
        pixels, _ = tiles(tmp_path, "hypercolumns:colors", "", epoch)
        both = np.concatenate([one.colors for one in found])
        assert np.abs(pixels / 255 - both).max() < 0.02


def test_one_list_has_a_tile_an_image(tmp_path):
    x, y = data(8)
    callback = Hypercolumns(tmp_path, x[:2], layers=[0, 1, 2], labels=y[:2], strict=True)
    sequential(run_eagerly=True).fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    assert layout_of(tmp_path, "hypercolumns")["tiles"] == 1
    assert len(layout_of(tmp_path, "hypercolumns:colors")["titles"]) == 2


def test_without_layers_it_takes_some_over_the_depth_and_may_leave_colors_out(tmp_path):
    x, y = data(8)
    callback = Hypercolumns(tmp_path, x[:2], colors=False, strict=True)
    sequential(run_eagerly=True).fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    assert open_reader(tmp_path).series() == [("hypercolumns", "")]
    assert layout_of(tmp_path, "hypercolumns")["stacks"] == [["conv1", "pool", "conv2", "relu"]]


def test_layer_numbers_count_in_the_captured_model(tmp_path):
    image, *rest = layers()
    keras.utils.set_random_seed(0)
    base = keras.Sequential([image, *rest[:4]], name="base")
    model = compiled(keras.Sequential([base, *rest[4:]]), run_eagerly=True)
    x, y = data(8)
    inside = Hypercolumns(tmp_path / "a", x[:2], layers=[0, 1], submodel="base", strict=True)
    outside = Hypercolumns(tmp_path / "b", x[:2], layers=[0], strict=True)
    model.fit(x, y, 8, 1, verbose=0, callbacks=[inside, outside])
    assert layout_of(tmp_path / "a", "hypercolumns")["stacks"] == [["base/conv1", "base/pool"]]
    assert layout_of(tmp_path / "b", "hypercolumns")["stacks"] == [["base"]]


def test_a_number_that_is_no_layer_is_reported_at_once(tmp_path, messages):
    x, y = data(8)
    callback = Hypercolumns(tmp_path, x[:2], layers=[[0, 1], [2, 17]])
    sequential(run_eagerly=True).fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    [text] = messages()
    assert "received layer number 17; model 'tiny' has 6 layers: 0 'conv1', 1 'pool'" in text
    assert open_reader(tmp_path).series() == []


def test_a_model_without_maps_gets_none(tmp_path, messages):
    model = vectors()
    model.run_eagerly = True
    x = np.ones((4, 5), np.float32)
    callback = Hypercolumns(tmp_path, x, strict=True)
    model.fit(x, np.zeros(4), 4, 1, verbose=0, callbacks=[callback])
    assert open_reader(tmp_path).series() == []
    assert any("left out: this model has no layer with feature maps" in t for t in messages("INFO"))


@pytest.mark.parametrize("value", [np.nan, 0.0])
def test_weights_that_are_not_finite_or_zero_are_drawn_as_such(tmp_path, value, messages):
    x, y = data(8)
    model = sequential(run_eagerly=True)
    model.set_weights([np.full_like(weight, value) for weight in model.get_weights()])
    callback = Hypercolumns(tmp_path, x[:2], strict=True)
    model.fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    pixels, _ = tiles(tmp_path, "hypercolumns:colors", "", 0)
    assert np.ptp(pixels) == 0
    values, _ = tiles(tmp_path, "hypercolumns", "", 0)
    assert len(np.unique(values)) == 1
    broken = [
        "tbviz: loss became NaN at epoch 0",
        "tbviz at conv1: Weights of conv1 and 2 more layers became NaN at epoch 0",
    ]
    assert [text.partition(".")[0] for text in messages()] == broken * bool(np.isnan(value))


def test_a_callback_beside_monitor_replaces_monitors_own(tmp_path):
    x, y = data(8)
    own = Hypercolumns(tmp_path, x[:2], layers=[["conv1", "conv2"]], schedule=tbviz.every(epochs=5))
    model = sequential(run_eagerly=True)
    model.fit(x, y, 8, 3, verbose=0, callbacks=[monitor(tmp_path, x[:2]), own])
    assert layout_of(tmp_path, "hypercolumns")["titles"] == ["conv1 + conv2"]
    [(_, _, columns)] = open_reader(tmp_path).columns("hypercolumns", "")
    assert columns.positions.total == 2  # the first and the last epoch: Monitor's do not fill in
    assert [n["text"] for n in notices(tmp_path, "warning")] == []
