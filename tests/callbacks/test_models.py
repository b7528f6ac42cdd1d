"""Real fits of all kinds of models: what is logged of each."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import (
    CLASSES,
    K,
    Sub,
    compiled,
    data,
    functional,
    metas,
    notices,
    positions,
    sequential,
    tree,
    vectors,
)

import tbviz
from tbviz.images.sheet import decode
from tbviz.methods.maximization.settings import Ascent
from tbviz.store.read.reader import open_reader

QUICK = Ascent(steps=2)


def callbacks(log_dir, images, labels=None, **settings):
    common = {"strict": True, **settings}
    return [
        tbviz.ActivationGrid(log_dir, images, **common),
        tbviz.LayerHealth(log_dir, images, **common),
        tbviz.GradCAM(log_dir, images, labels, strict=True),
    ]


def series(log_dir, kind):
    return [layer for found, layer in open_reader(log_dir).series() if found == kind]


def caption(log_dir, layer, image=0):
    return decode(open_reader(log_dir).picture("cam", layer, 0, image)).text["tiles"]


def test_functional(tmp_path):
    x, y = data(8)
    model = functional()
    model.run_eagerly = True
    model.fit(x, y, 8, 1, verbose=0, callbacks=callbacks(tmp_path, x[:2], y[:2]))
    assert series(tmp_path, "activations") == ["conv1", "pool", "conv2", "relu"]
    assert series(tmp_path, "cam") == ["relu"]
    assert notices(tmp_path, "warning") == []


def residual_base():
    """Four blocks as MobileNetV2 has them, each half as large as the one before."""
    value = first = keras.Input((8, 8, 1))
    for index in range(4):
        wide = K.Conv2D(4, 1, name=f"block_{index}_expand")(value)
        wide = K.ReLU(6.0, name=f"block_{index}_expand_relu")(wide)
        value = K.Conv2D(3, 1, name=f"block_{index}_project")(wide)
        value = K.Add(name=f"block_{index}_add")([value, value])
        value = K.MaxPooling2D(name=f"block_{index}_pool")(value) if index < 3 else value
    return keras.Model(first, value, name="base")


def test_layers_inside_a_nested_base(tmp_path):
    keras.utils.set_random_seed(0)
    stack = [residual_base(), K.GlobalAveragePooling2D(), K.Dense(3, activation="softmax")]
    model = compiled(keras.Sequential(stack), run_eagerly=True)
    x, y = data(4)
    selected = [
        tbviz.ActivationGrid(tmp_path, x[:2], layers="*/block_[12]_*relu", strict=True),
        tbviz.GradCAM(tmp_path, x[:2], strict=True),
        tbviz.FilterMaximization(
            tmp_path, layers="*/block_2_project", filters=2, ascent=QUICK, strict=True
        ),
    ]
    model.fit(x, y, 4, 1, verbose=0, callbacks=selected)
    inside = ["base/block_1_expand_relu", "base/block_2_expand_relu"]
    assert series(tmp_path, "activations") == inside
    assert series(tmp_path, "maximization") == ["base/block_2_project"]
    # The maps of the last block are single pixels; the last with a place in them are earlier.
    [layer] = series(tmp_path, "cam")
    assert layer.startswith("base/block_2_")
    nodes = tree(tmp_path)
    assert nodes[inside[0]]["parent"] == "base"
    assert len(nodes) == 1 + 4 * 4 + 3 + 2  # the base, four blocks, three poolings, the head


def test_subclassed(tmp_path):
    keras.utils.set_random_seed(0)
    x, y = data(8)
    compiled(Sub(), run_eagerly=True).fit(
        x, y, 8, 1, verbose=0, callbacks=callbacks(tmp_path, x[:2], y[:2])
    )
    assert series(tmp_path, "activations") == ["blocks.0", "blocks.1"]
    assert series(tmp_path, "cam") == ["blocks.1"]


def image_and_vector():
    keras.utils.set_random_seed(0)
    picture = keras.Input((8, 8, 1), name="picture")
    vector = keras.Input((3,), name="vector")
    maps = K.Conv2D(2, 3, activation="relu", name="conv")(picture)
    merged = K.Concatenate()([K.GlobalAveragePooling2D()(maps), vector])
    scores = K.Dense(CLASSES, activation="softmax")(merged)
    x, y = data(8)
    beside = np.random.default_rng(0).random((8, 3)).astype("float32")
    return compiled(keras.Model([picture, vector], scores), run_eagerly=True), (x, beside), y


def test_an_image_and_a_vector(tmp_path):
    model, inputs, y = image_and_vector()
    probe = tuple(part[:2] for part in inputs)
    selected = callbacks(tmp_path, probe, y[:2])
    model.fit(list(inputs), y, batch_size=8, epochs=1, verbose=0, callbacks=selected)
    assert series(tmp_path, "activations") == ["conv"]
    assert len(metas(tmp_path, "probe")[0]["images"]) == 2


def test_maximization_with_an_image_and_a_vector(tmp_path):
    model, inputs, y = image_and_vector()
    probe = tuple(part[:2] for part in inputs)
    alone = tbviz.FilterMaximization(tmp_path, images=probe, ascent=QUICK, strict=True)
    model.fit(list(inputs), y, batch_size=8, epochs=1, verbose=0, callbacks=[alone])
    assert series(tmp_path, "maximization") == ["conv"]


def head(units, activation, loss):
    keras.utils.set_random_seed(0)
    stack = [
        keras.Input((8, 8, 1)),
        K.Conv2D(2, 3, activation="relu", name="conv"),
        K.GlobalAveragePooling2D(),
        K.Dense(units, activation=activation),
    ]
    return compiled(keras.Sequential(stack), loss, run_eagerly=True)


def test_one_sigmoid_unit_has_two_classes(tmp_path):
    x, y = data(8)
    y = (y > 0).astype("float32")[:, None]
    model = head(1, "sigmoid", "binary_crossentropy")
    model.fit(x, y, 8, 1, verbose=0, callbacks=callbacks(tmp_path, x[:2], y[:2]))
    predicted, true = caption(tmp_path, "conv")
    assert true["class"] == int(y[0, 0])
    assert predicted["target"] == "score before sigmoid"
    probability = float(model.predict(x[:1], verbose=0)[0, 0])
    expected = probability if true["class"] == 1 else 1 - probability
    assert true["probability"] == pytest.approx(expected, abs=1e-5)
    [meta] = metas(tmp_path, "predictions")
    assert sum(value for _, value in meta["images"][0]) == pytest.approx(1, abs=1e-5)


def test_a_regression_shows_its_output_and_no_true_class(tmp_path):
    x, y = data(8)
    model = head(1, None, "mse")
    ages = (y * 10.0)[:, None]
    model.fit(x, ages, 8, 1, verbose=0, callbacks=callbacks(tmp_path, x[:2], ages[:2]))
    [tile] = caption(tmp_path, "conv")
    assert (tile["role"], tile["target"], tile["probability"]) == ("predicted", "output", None)
    assert tile["score"] == pytest.approx(float(model.predict(x[:1], verbose=0)[0, 0]), rel=1e-4)
    assert metas(tmp_path, "predictions")[0]["scale"] == "score"
    assert notices(tmp_path, "warning") == []


def test_labels_outside_the_classes_are_reported(tmp_path, messages):
    x, y = data(8)
    grad_cam = tbviz.GradCAM(tmp_path, x[:3], [0, 1, 7])
    sequential(run_eagerly=True).fit(x, y, 8, 2, verbose=0, callbacks=[grad_cam])
    assert [tile["role"] for tile in caption(tmp_path, "relu")] == ["predicted"]
    [notice] = notices(tmp_path, "warning")
    assert "labels go from 0 to 7, the model has 3 classes" in notice["text"]
    assert len(messages()) == 1


def test_a_model_without_feature_maps_is_monitored_by_its_metrics(tmp_path, messages):
    vector = np.random.default_rng(0).random((8, 5)).astype("float32")
    monitor = tbviz.Monitor(tmp_path, vector[:2], strict=True)
    vectors().fit(vector, np.arange(8) % 2, 4, 2, verbose=0, callbacks=[monitor])
    assert positions(tmp_path) == [(1, 0, None, False), (1, 1, None, False)]
    assert len(metas(tmp_path, "metrics")) == len(metas(tmp_path, "predictions")) == 2
    assert open_reader(tmp_path).series() == []
    left_out = [notice for notice in notices(tmp_path) if "left out" in notice["text"]]
    assert [notice["method"] for notice in left_out] == [
        "ActivationGrid",
        "LayerHealth",
        "GradCAM",
        "Hypercolumns",
        "Kernels",
        "Augmentation",
        "FilterMaximization",
    ]
    assert {notice["level"] for notice in left_out} == {"info"}
    maps = "left out: this model has no layer with feature maps"
    assert [notice["text"] for notice in left_out] == [
        *[maps] * 4,
        "left out: this model has no convolution whose kernel can be drawn",
        "left out: this model has no augmentation layer",
        "left out: this model has no convolution over images",
    ]
    assert messages() == []
    assert {node["class"] for node in tree(tmp_path).values()} == {"Dense"}


def test_maximization_alone_needs_no_images(tmp_path):
    x, y = data(8)
    alone = tbviz.FilterMaximization(
        tmp_path, layers="conv1", filters=[2, 0], ascent=QUICK, strict=True
    )
    sequential(run_eagerly=True).fit(x, y, 8, 1, verbose=0, callbacks=[alone])
    [layout] = metas(tmp_path, "layout")
    assert (layout["channels"], layout["total"]) == ([2, 0], 3)
    assert metas(tmp_path, "probe") == metas(tmp_path, "predictions") == []


def test_warm_start_goes_on_from_the_last_snapshot_of_this_fit(tmp_path):
    x, y = data(8)
    settings = {"ascent": QUICK, "strict": True}
    warm = tbviz.FilterMaximization(
        tmp_path, layers="conv1", filters=1, warm_start=True, **settings
    )
    model = sequential(rate=0.0, run_eagerly=True)
    for _ in range(2):
        model.fit(x, y, 8, 2, verbose=0, callbacks=[warm])
    store = open_reader(tmp_path)
    scores = [
        decode(store.picture("maximization", "conv1", position)).text["scores"][0]
        for position in range(4)
    ]
    assert scores[1] > scores[0]
    assert scores[2:] == scores[:2]
