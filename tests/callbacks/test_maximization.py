"""Maximizations of filters and classes of a real fit, read back."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import (
    CLASSES,
    NAMES,
    SIDE,
    cached_model,
    data,
    ends,
    metas,
    notices,
    sequential,
    tiles,
    vectors,
)

import tbviz
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.methods.maximization import maximize_classes, maximize_filters
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.maximization.transforms import Transforms
from tbviz.store.read.reader import open_reader

QUICK = Ascent(steps=2)
EPOCHS = 2


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    log_dir = tmp_path_factory.mktemp("maximization")
    x, y = data(16)
    common = {"strict": True, "warm_start": True}
    ours = [
        tbviz.FilterMaximization(log_dir, layers="conv1", images=x[:2], ascent=QUICK, **common),
        tbviz.ClassMaximization(log_dir, class_names=NAMES, ascent=QUICK, **common),
        tbviz.FilterMaximization(
            log_dir,
            layers="conv2",
            filters=[3, 1],
            ascent=Ascent(steps=2, diversity=2),
            strict=True,
        ),
    ]
    model = sequential(run_eagerly=True)
    model.fit(x, y, batch_size=8, epochs=EPOCHS, verbose=0, callbacks=ours)
    return log_dir, model, x


def layout(log_dir, kind, layer):
    [found] = [m for m in metas(log_dir, "layout") if (m["picture"], m["layer"]) == (kind, layer)]
    return found


def text(log_dir, kind, layer, epoch=EPOCHS - 1):
    return decode(open_reader(log_dir).picture(kind, layer, epoch)).text


def test_a_filter_a_tile(run):
    log_dir, *_ = run
    found = layout(log_dir, "maximization", "conv1")
    assert found["channels"] == [0, 1, 2]
    assert (found["total"], found["images"], found["method"]) == (3, 0, "FilterMaximization")
    assert found["tile"] == [SIDE, SIDE]
    first, second = (text(log_dir, "maximization", "conv1", epoch)["scores"] for epoch in (0, 1))
    assert len(first) == 3
    assert np.all(np.array(second) > np.array(first))  # the second snapshot goes on from the first


def test_several_images_of_a_filter_are_a_row(run):
    log_dir, *_ = run
    found = layout(log_dir, "maximization", "conv2")
    assert "channels" not in found  # a channel has several tiles
    assert found["row_titles"] == ["channel 3", "channel 1"]
    assert (found["columns"], found["tiles"]) == (2, 4)
    assert len(text(log_dir, "maximization", "conv2")["scores"]) == 4


def test_a_class_a_tile_with_its_probability(run):
    log_dir, model, _ = run
    found = layout(log_dir, "classes", "")
    assert found["titles"] == NAMES
    assert found["target"] == "score before softmax"
    captions = text(log_dir, "classes", "")["tiles"]
    assert [caption["class"] for caption in captions] == list(range(CLASSES))
    assert [caption["name"] for caption in captions] == NAMES
    pixels, _ = tiles(log_dir, "classes", "", EPOCHS - 1)
    assert pixels.shape[:3] == (CLASSES, SIDE, SIDE)
    seen = model.predict_on_batch(pixels[..., :1].astype("float32") / 255)
    likely = [caption["probability"] for caption in captions]
    np.testing.assert_allclose(np.diagonal(seen), likely, atol=0.02)


def test_what_is_logged_is_what_the_functions_find(tmp_path):
    x, y = data(8)
    model = sequential()
    model.run_eagerly = True
    ours = [
        tbviz.FilterMaximization(
            tmp_path, layers="conv2", filters=2, images=x, ascent=QUICK, strict=True
        ),
        tbviz.ClassMaximization(tmp_path, classes=["both", 0], class_names=NAMES, ascent=QUICK),
    ]
    model.fit(x, y, verbose=0, callbacks=ours)
    assert layout(tmp_path, "classes", "")["titles"] == ["both", "left"]
    filters = maximize_filters(model, layers="conv2", filters=2, images=x, ascent=QUICK)[
        "conv2"
    ].images
    classes = maximize_classes(model, classes=[2, 0], images=x, ascent=QUICK).images
    for kind, layer, images in (("maximization", "conv2", filters), ("classes", "", classes)):
        pixels, _ = tiles(tmp_path, kind, layer, 0)
        np.testing.assert_allclose(pixels[..., :1] / 255, images, atol=0.51 / 255)


def test_of_many_classes_those_of_the_probe_are_shown(tmp_path):
    x, y = data(8)
    *features, _ = sequential().layers
    wide = keras.Sequential([*features, keras.layers.Dense(12, activation="softmax")])
    wide.build((None, SIDE, SIDE, 1))
    wide.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    ours = [
        tbviz.GradCAM(tmp_path, x[:3], np.array([7, 2, 7])),
        tbviz.ClassMaximization(tmp_path, ascent=Ascent(steps=1), strict=True),
    ]
    wide.fit(x, y, verbose=0, callbacks=ours)
    assert layout(tmp_path, "classes", "")["titles"] == ["class 2", "class 7"]


class SetsNan(keras.callbacks.Callback):
    """Spoils a channel once training is over: a step with NaN would spoil them all."""

    def on_epoch_end(self, epoch, logs=None):
        kernel, bias = self.model.get_layer("conv2").get_weights()
        kernel[0, 0, 0, 1] = np.nan
        self.model.get_layer("conv2").set_weights([kernel, bias])


def test_a_broken_channel_is_blank_and_named(tmp_path):
    x, y = data(8)
    model = sequential()
    model.run_eagerly = True
    ours = tbviz.FilterMaximization(tmp_path, layers="conv2", images=x, ascent=QUICK, strict=True)
    model.fit(x, y, verbose=0, callbacks=[SetsNan(), ours])
    shown = text(tmp_path, "maximization", "conv2", 0)
    assert shown["note"] == "channel 1 (blank): produces NaN or infinity"
    assert [score == "NaN" for score in shown["scores"]] == [False, True, False, False]
    pixels, _ = tiles(tmp_path, "maximization", "conv2", 0)
    assert np.ptp(pixels[1]) == 0
    assert all(np.ptp(pixels[channel]) > 20 for channel in (0, 2, 3))


def test_a_model_without_an_image_is_left_alone(tmp_path):
    x, y = np.zeros((4, 5)), np.zeros(4)
    model = vectors()
    model.fit(x, y, verbose=0, callbacks=[tbviz.ClassMaximization(tmp_path, images=x[:1])])
    assert ends(tmp_path) == ["finished"]
    [notice] = [m for m in notices(tmp_path, "info") if m["method"] == "ClassMaximization"]
    assert "left out: none of the model's inputs" in notice["text"]
    asked = tbviz.ClassMaximization(tmp_path / "asked", classes=[0], images=x[:1], strict=True)
    with pytest.raises(TbvizError, match="none of the model's inputs"):
        model.fit(x, y, verbose=0, callbacks=[asked])


def test_a_missing_class_is_reported(tmp_path):
    x, y = data(8)
    ours = tbviz.ClassMaximization(tmp_path, classes=["lefd"], class_names=NAMES, ascent=QUICK)
    cached_model().fit(x, y, verbose=0, callbacks=[ours])
    [notice] = notices(tmp_path, "warning")
    assert "did you mean 'left'" in notice["text"]
    assert ends(tmp_path) == ["finished"]


def test_settings_reach_the_ascent(tmp_path):
    x, y = data(8)
    settings = Ascent(steps=2, image="pixel", transforms=Transforms(rotate=5, pad=True))
    model = sequential()
    model.run_eagerly = True
    ours = tbviz.FilterMaximization(
        tmp_path, layers="conv1", filters=1, ascent=settings, strict=True
    )
    model.fit(x, y, verbose=0, callbacks=[ours])
    assert layout(tmp_path, "maximization", "conv1")["tiles"] == 1
