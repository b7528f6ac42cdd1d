"""Kernels of a real fit, read back."""

from __future__ import annotations

import re

import keras
import numpy as np
import pytest
from callbacks.nets import (
    CLASSES,
    SIDE,
    K,
    cached_model,
    compiled,
    data,
    metas,
    notices,
    tiles,
    tree,
)

from tbviz.callbacks.filter_maximization import FilterMaximization
from tbviz.callbacks.kernels import Kernels
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.store.read.reader import open_reader

EPOCHS = 3


class Weights(keras.callbacks.Callback):
    """The kernels at each epoch's end."""

    def __init__(self):
        super().__init__()
        self.first, self.frozen = [], []

    def on_epoch_end(self, epoch, logs=None):
        for name, kernels in (("first", self.first), ("frozen", self.frozen)):
            kernel = self.model.get_layer(name).kernel
            kernels.append(keras.ops.convert_to_numpy(kernel).copy())


def net():
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((SIDE, SIDE, 3)),
        K.Conv2D(5, 3, name="first"),
        K.DepthwiseConv2D(3, name="depthwise"),
        K.SeparableConv2D(4, 3, name="separable"),
        K.Conv2D(6, 1, name="mix"),
        K.Conv2D(2, 3, padding="same", name="frozen", trainable=False),
        K.GlobalAveragePooling2D(),
        K.Dense(CLASSES, activation="softmax"),
    ]
    return compiled(keras.Sequential(stack), rate=0.5)


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("kernels")
    x, y = data(16, channels=3)
    weights = Weights()
    net().fit(x, y, 8, EPOCHS, verbose=0, callbacks=[weights, Kernels(log_dir, strict=True)])
    return log_dir, weights


def layout(log_dir, kind, layer):
    [found] = [m for m in metas(log_dir, "layout") if (m["picture"], m["layer"]) == (kind, layer)]
    return found


def text(log_dir, kind, layer, epoch):
    return decode(open_reader(log_dir).picture(kind, layer, epoch)).text


def test_every_convolution_is_logged_at_every_epoch(run):
    store = open_reader(run[0])
    assert set(store.series()) == {
        ("kernels", "first"), ("kernels:colors", "first"), ("kernels", "depthwise"),
        ("kernels", "separable"), ("kernels:pointwise", "separable"), ("kernels", "mix"),
        ("kernels", "frozen"),
    }  # fmt: skip
    for kind, layer in store.series():
        [(_, segment, columns)] = store.columns(kind, layer)
        assert (columns.positions.total, columns.sheets) == (EPOCHS, 1)
        assert segment.images(kind, layer) == 0
        assert len(columns.layouts) == 1  # captions that change are in the sheets
    assert tree(run[0])["separable"]["kinds"] == ["kernels", "kernels:pointwise"]
    assert notices(run[0], "warning") == []


def test_layouts_say_what_is_shown(run):
    found = layout(run[0], "kernels", "first")
    assert (found["tile"], found["tiles"], found["total"]) == ([3, 3], 5, 5)
    assert (found["signed"], found["images"], found["channels"]) == (True, 0, [0, 1, 2, 3, 4])
    assert found["title"] == (
        "3 x 3 kernels, each the first principal component of its 3 input slices"
    )
    matrix = layout(run[0], "kernels", "mix")
    assert (matrix["tile"], matrix["tiles"], matrix["columns"]) == ([6, 4], 1, 1)
    assert "channels" not in matrix
    colors = layout(run[0], "kernels:colors", "first")
    assert (colors["media"], colors["tile"], colors["images"]) == ("rgb8", [3, 3], 0)


def test_sheets_hold_the_weights(run):
    log_dir, weights = run
    for epoch in range(EPOCHS):
        kernel = weights.first[epoch]
        values, half = tiles(log_dir, "kernels", "first", epoch)
        shares = text(log_dir, "kernels", "first", epoch)["shares"]
        for channel in range(5):
            slices = np.moveaxis(kernel[..., channel], -1, 0).reshape(3, 9).astype(np.float64)
            _, sizes, directions = np.linalg.svd(slices)
            best = directions[0] * sizes[0] / np.sqrt(3)
            found = values[channel].reshape(9)
            off = min(np.abs(found - best).max(), np.abs(found + best).max())
            assert off <= half[channel].max() * 1.01 + 1e-6
            assert shares[channel] == pytest.approx(sizes[0] ** 2 / (sizes**2).sum(), rel=1e-4)


def test_colors_are_the_weights_on_three_inputs(run):
    log_dir, weights = run
    largest = max(np.abs(kernel).max() for kernel in weights.first)
    pixels, _ = tiles(log_dir, "kernels:colors", "first", EPOCHS - 1)
    found = text(log_dir, "kernels:colors", "first", EPOCHS - 1)
    assert found["scale"] == pytest.approx(largest, rel=1e-5)  # it never shrinks
    assert f"full color is a weight of {largest:.3g}" in found["note"]
    expected = 0.5 + np.moveaxis(weights.first[-1], -1, 0) / (2 * largest)
    np.testing.assert_allclose(pixels / 255, expected, atol=0.5 / 255 + 1e-5)


def test_how_far_filters_have_moved(run):
    log_dir, weights = run
    assert "moved" not in text(log_dir, "kernels", "first", 0)
    last = text(log_dir, "kernels", "first", EPOCHS - 1)
    way = weights.first[-1] - weights.first[0]
    axes = (0, 1, 2)
    expected = np.sqrt((way**2).sum(axes) / (weights.first[0] ** 2).sum(axes))
    assert last["moved"] == pytest.approx(expected.tolist(), rel=1e-3)
    middle = 100 * np.median(expected)
    assert f"has moved by {middle:.3g} % (median) since the first snapshot" in last["note"]
    still = text(log_dir, "kernels", "frozen", EPOCHS - 1)
    assert still["moved"] == [0, 0]
    assert "the kernel has not moved since the first snapshot" in still["note"]


def test_layers_that_are_left_out_are_reported(tmp_path, monkeypatch):
    monkeypatch.setattr("tbviz.callbacks.kernels.MAX_LAYERS", 1)
    x, y = data(8)
    callback = Kernels(tmp_path, strict=True)
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    assert {layer for _, layer in open_reader(tmp_path).series()} == {"conv2"}
    [notice] = [n for n in notices(tmp_path) if n["method"] == "Kernels"]
    assert notice["level"] == "info"
    assert notice["text"] == "the kernels of 1 of 2 convolutions are logged"


def test_layers_and_filters_are_selected(tmp_path):
    x, y = data(8)
    callback = Kernels(tmp_path, layers="conv2", filters=[3, 1], strict=True)
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[callback])
    assert layout(tmp_path, "kernels", "conv2")["channels"] == [3, 1]
    assert [n for n in notices(tmp_path) if n["method"] == "Kernels"] == []


def test_weights_of_nan_are_drawn_as_such(tmp_path):
    x, y = data(8)
    model = cached_model()
    kernel = model.get_layer("conv1").kernel
    kernel.assign(keras.ops.full_like(kernel, np.nan))
    model.fit(x, y, 8, 2, verbose=0, callbacks=[Kernels(tmp_path, strict=True)])
    values, _ = tiles(tmp_path, "kernels", "conv1", 1)
    assert np.isnan(values).all()
    assert "moved by an unknown share" in text(tmp_path, "kernels", "conv1", 1)["note"]


def test_a_model_without_convolutions_says_so(tmp_path):
    keras.utils.set_random_seed(0)
    stack = [keras.Input((SIDE, SIDE, 1)), K.Flatten(), K.Dense(CLASSES, activation="softmax")]
    model = compiled(keras.Sequential(stack), run_eagerly=True)
    x, y = data(8)
    model.fit(x, y, verbose=0, callbacks=[Kernels(tmp_path, strict=True)])
    [notice] = [n for n in notices(tmp_path) if n["method"] == "Kernels"]
    assert notice["text"] == "left out: this model has no convolution whose kernel can be drawn"


@pytest.mark.parametrize("subclassed", [False, True])
def test_the_size_of_the_input_need_not_be_known(tmp_path, subclassed):
    layers = [K.Conv2D(2, 3, name="conv"), K.GlobalAveragePooling2D(), K.Dense(CLASSES)]

    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.stack = layers

        def call(self, value):
            for layer in self.stack:
                value = layer(value)
            return value

    model = Own() if subclassed else keras.Sequential([keras.Input((None, None, 3)), *layers])
    model.compile("sgd", "mse", run_eagerly=True)
    x = np.zeros((2, 5, 5, 3), np.float32)
    kernels = Kernels(tmp_path, strict=True)
    model.fit(x, np.zeros((2, CLASSES)), verbose=0, callbacks=[kernels])
    assert ("kernels", "conv") in open_reader(tmp_path).series()
    assert notices(tmp_path, "warning") == []
    assert tree(tmp_path)["conv"]["reason"].startswith("the model was not run")


@pytest.mark.parametrize("filters", [0, [], None, "most"])
@pytest.mark.parametrize("kind", [Kernels, FilterMaximization])
def test_an_error_names_the_argument_that_the_user_gave(kind, filters, tmp_path):
    with pytest.raises(TbvizError, match=rf"received filters={re.escape(repr(filters))}; expected"):
        kind(tmp_path, filters=filters)
