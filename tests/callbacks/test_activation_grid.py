"""Channels, bars, colors and the overview of real fits, read back."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest
from callbacks.nets import compiled, data, layers, metas, notices, sequential, tiles, vectors

import tbviz
from tbviz.callbacks.activation_grid import ActivationGrid
from tbviz.images.sheet import decode
from tbviz.methods.activation_maps.overview import in_pixels
from tbviz.methods.activation_maps.rgb_maps import rgb_maps
from tbviz.store.read.reader import open_reader


class Outputs(keras.callbacks.Callback):
    """What layers put out at each epoch's end."""

    def __init__(self, images):
        super().__init__()
        self.images = images
        self.found = []

    def on_epoch_end(self, epoch, logs=None):
        value, found = keras.ops.convert_to_tensor(self.images), {}
        for layer in self.model.layers:
            value = layer(value)
            found[layer.name] = keras.ops.convert_to_numpy(value)
        self.found.append(found)


def fit(model, callbacks, epochs=2, count=16):
    x, y = data(count)
    model.fit(x, y, 8, epochs, verbose=0, callbacks=callbacks)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("grid")
    x, y = data(3, seed=5)
    outputs = Outputs(x)
    grid = ActivationGrid(
        log_dir,
        x,
        labels=y,
        class_names=["left", "right", "both"],
        layers=["conv1", "relu", "average", "classes"],
        order="most-active",
        strict=True,
    )
    fit(sequential(rate=0.5), [outputs, grid], 3)
    return log_dir, outputs.found


def layout_of(log_dir, kind, layer):
    return [m for m in metas(log_dir, "layout") if (m["picture"], m["layer"]) == (kind, layer)]


def test_the_most_active_channels_of_the_first_snapshot_stay(run):
    log_dir, found = run
    [layout] = layout_of(log_dir, "activations", "relu")
    first = found[0]["relu"].astype(np.float64)
    away = np.abs(first - first.mean(axis=(0, 1, 2))).mean(axis=(0, 1, 2))
    assert layout["channels"] == np.argsort(-away).tolist()
    for epoch in range(3):
        values, half = tiles(log_dir, "activations", "relu", epoch, 1)
        expected = np.moveaxis(found[epoch]["relu"][1], -1, 0)[layout["channels"]]
        assert np.all(np.abs(values - expected) <= half * 1.01 + 1e-6)


def test_vectors_are_bars_of_their_values(run):
    log_dir, found = run
    [layout] = layout_of(log_dir, "activations", "classes")
    assert "channels" not in layout
    assert (layout["tiles"], layout["images"], sorted(layout["bars"])) == (1, 3, [0, 1, 2])
    assert layout["titles"] == ["3 of 3 channels, one bar each"]
    for image in range(3):
        [values], _ = tiles(log_dir, "activations", "classes", 2, image)
        expected = found[2]["classes"][image][layout["bars"]]
        np.testing.assert_allclose(values.max(axis=0)[::16], expected, rtol=0.01)
        text = decode(open_reader(log_dir).picture("activations", "classes", 2, image)).text
        low, high = text["note"].removeprefix("from ").split(" to ")
        np.testing.assert_allclose([float(low), float(high)], np.sort(expected)[[0, -1]], rtol=1e-4)
    assert layout_of(log_dir, "activations:colors", "classes") == []


def test_colors_keep_the_axes_of_the_first_snapshot(run):
    log_dir, found = run
    [layout] = layout_of(log_dir, "activations:colors", "relu")
    names = [f"{entry['name']}" for entry in metas(log_dir, "probe")[0]["images"]]
    assert (layout["titles"], layout["tiles"], layout["images"]) == (names, 3, 0)
    assert layout["title"].startswith("Principal components of 4 channels: red ")
    axes = None
    for epoch in range(3):
        expected = rgb_maps(found[epoch]["relu"], axes)
        axes = expected.axes
        pixels, _ = tiles(log_dir, "activations:colors", "relu", epoch)
        assert np.abs(pixels / 255 - expected.colors).max() < 0.02
    [layout] = layout_of(log_dir, "activations:colors", "conv1")
    assert layout["title"] == "The three channels as red, green and blue"


def test_the_overview_has_a_column_a_layer_and_a_row_a_map(run):
    log_dir, found = run
    [layout] = layout_of(log_dir, "overview", "")
    columns = ["conv1", "pool", "conv2", "relu"]
    assert layout["column_titles"] == layout["column_layers"] == columns
    assert layout["row_titles"] == [f"channel {row}" for row in range(4)]
    assert (layout["columns"], layout["tiles"], layout["tile"]) == (4, 16, [48, 48])
    values, half = tiles(log_dir, "overview", "", 1, 2)
    for column, name in enumerate(columns):
        maps = np.moveaxis(found[1][name][2], -1, 0)
        expected = in_pixels(maps, (48, 48))
        got = values.reshape(4, 4, 48, 48)[: len(maps), column]
        allowed = half.reshape(4, 4, 1, 1)[: len(maps), column]
        assert np.all(np.abs(got - expected) <= allowed * 1.01 + 1e-6)
    # The layers of the overview alone get no sheets of their own.
    drawn = {layer for kind, layer in open_reader(log_dir).series() if kind == "activations"}
    assert drawn == {"conv1", "relu", "average", "classes"}


def channels_of(log_dir):
    return [m["channels"] for m in metas(log_dir, "layout") if m["picture"] == "activations"]


def scaled(model, *factors):
    """Makes the channels of `conv2` alike but for their sizes."""
    kernel, bias = model.layers[2].get_weights()
    model.layers[2].set_weights([kernel[..., :1] * np.array(factors, np.float32), 0 * bias])
    return model


def test_a_second_fit_keeps_the_choice_and_another_model_does_not(tmp_path):
    x, _ = data(2)
    settings = {"layers": "conv2", "order": "most-active", "overview": False, "strict": True}
    grid = ActivationGrid(tmp_path, x, **settings)
    model = scaled(sequential(rate=1e-6, run_eagerly=True), 1, 4, 16, 64)
    fit(model, [grid], 1)
    axes = grid._axes.get(grid.selected)
    fit(scaled(model, 64, 16, 4, 1), [grid], 1)
    assert channels_of(tmp_path) == [[3, 2, 1, 0]] * 2
    np.testing.assert_array_equal(grid._axes.get(grid.selected).directions, axes.directions)
    fit(scaled(sequential(rate=1e-6, run_eagerly=True), 64, 16, 4, 1), [grid], 1)
    assert channels_of(tmp_path)[2] == [0, 1, 2, 3]
    assert not np.allclose(grid._axes.get(grid.selected).directions, axes.directions)


def test_what_is_not_wanted_is_left_out(tmp_path):
    x, _ = data(2)
    grid = ActivationGrid(tmp_path, x, colors=False, overview=False, strict=True)
    fit(sequential(run_eagerly=True), [grid], 1)
    assert {kind for kind, _ in open_reader(tmp_path).series()} == {"activations"}


def test_two_grids_share_one_overview(tmp_path, messages):
    x, _ = data(2)
    grids = [ActivationGrid(tmp_path, x, layers=name, strict=True) for name in ("conv1", "conv2")]
    fit(sequential(run_eagerly=True), grids)
    assert len(metas(tmp_path, "overview")) == 2
    assert messages() == []
    [notice] = [n for n in notices(tmp_path) if "overview" in n["text"]]
    assert (notice["level"], notice["method"]) == ("info", "ActivationGrid 2")
    fit(sequential(run_eagerly=True), grids)  # the same in the next fit
    assert len(metas(tmp_path, "overview")) == 4
    # Which of them it was belongs to the fit, not to the pictures.
    assert {layout["method"] for layout in metas(tmp_path, "layout")} == {"ActivationGrid"}


BROKEN = [
    "tbviz: loss became NaN at epoch 0",
    "tbviz at conv1: Weights of conv1 and 2 more layers became NaN at epoch 0",
]


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_what_is_not_finite_or_constant_is_drawn_as_such(tmp_path, value, messages):
    x, _ = data(2)
    model = sequential(run_eagerly=True)
    model.layers[0].set_weights([np.full_like(w, value) for w in model.layers[0].get_weights()])
    grid = ActivationGrid(
        tmp_path, x, layers=["conv1", "relu", "average"], order="most-active", strict=True
    )
    fit(model, [grid], 1)
    kinds = [text.partition(".")[0] for text in messages()]
    assert kinds == BROKEN * bool(value)
    pixels, _ = tiles(tmp_path, "activations:colors", "conv1", 0)
    assert np.ptp(pixels) == 0
    [bars], _ = tiles(tmp_path, "activations", "average", 0)
    [note] = {
        decode(open_reader(tmp_path).picture("activations", "average", 0, image)).text["note"]
        for image in range(2)
    }
    if value:
        assert np.isnan(bars[:, ::16]).all()
        assert note == "no value is finite; the weights of conv1 have been NaN since epoch 0"
    else:
        assert not bars.any()
        assert note == "from 0.0 to 0.0"
    decoded = decode(open_reader(tmp_path).picture("overview", "", 0))
    assert np.ptp(decoded.pixels[:48, :48]) == 0  # the first map of the first layer


def test_a_model_without_maps_has_bars_where_they_are_asked_for(tmp_path, messages):
    model = vectors()
    model.run_eagerly = True
    x = np.random.default_rng(0).random((4, 5)).astype(np.float32)
    y = np.array([0, 1, 0, 1])
    without = ActivationGrid(tmp_path / "a", x, strict=True)
    asked = ActivationGrid(tmp_path / "b", x, layers=keras.layers.Dense, strict=True)
    model.fit(x, y, 4, 1, verbose=0, callbacks=[without, asked])
    assert open_reader(tmp_path / "a").series() == []
    assert any("left out: this model has no layer with feature maps" in t for t in messages("INFO"))
    assert len(open_reader(tmp_path / "b").series()) == 2


def test_inside_two_models_the_pictures_are_the_same(tmp_path):
    def pictures(model, prefix, log_dir):
        grid = ActivationGrid(log_dir, data(2)[0], order="most-active", strict=True)
        fit(model, [grid], 1)
        run = open_reader(log_dir)
        names = sorted((kind, layer.removeprefix(prefix)) for kind, layer in run.series())
        return {
            (kind, layer): decode(run.picture(kind, f"{prefix}{layer}" if layer else "", 0)).pixels
            for kind, layer in names
        }

    def nested():
        keras.utils.set_random_seed(0)
        image, *rest = layers()
        inner = keras.Sequential(rest, name="inner")
        outer = keras.Sequential([inner], name="outer")
        return compiled(keras.Sequential([image, outer]), run_eagerly=True)

    flat = pictures(sequential(run_eagerly=True), "", tmp_path / "flat")
    deep = pictures(nested(), "outer/inner/", tmp_path / "deep")
    assert flat.keys() == deep.keys()
    for name, pixels in flat.items():
        np.testing.assert_array_equal(deep[name], pixels, err_msg=str(name))


def test_a_wrong_choice_of_channels_is_an_error_at_once(tmp_path):
    with pytest.raises(tbviz.TbvizError, match="received channels='most'"):
        ActivationGrid(tmp_path, data(2)[0], channels="most")


def test_layouts_are_plain_json(run):
    for layout in metas(run[0], "layout"):
        assert json.loads(json.dumps(layout, allow_nan=False)) == layout
