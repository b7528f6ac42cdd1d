"""Probe images that are not finite: all that is computed of them is NaN, on any backend."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import data, metas, notices
from keras import layers

import tbviz
from tbviz.methods import activations, grad_cam, health, saliency_maps
from tbviz.scores.output_head import head_of
from tbviz.scores.recording import record, scores_in_batches
from tbviz.taps.inspector import inspector_for

X = np.random.default_rng(0).random((3, 8, 8, 1)).astype(np.float32)
NAMES = ["a", "b"]


def net():
    keras.utils.set_random_seed(2)
    ones = keras.initializers.Constant(1.0)
    return keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            layers.Conv2D(4, 3, activation="relu", name="a", bias_initializer=ones),
            layers.Conv2D(4, 3, activation="relu", name="b", bias_initializer=ones),
            layers.GlobalAveragePooling2D(name="average"),
            layers.Dense(3, activation="softmax", name="classes"),
        ]
    )


def spoiled(value, rows=(1,)):
    images = X.copy()
    for row in rows:
        images[row, 4, 4] = value
    return images


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_image_that_is_not_finite_has_nan_and_the_others_are_as_they_were(value):
    model = net()
    before = activations(model, X, layers=NAMES)
    found = activations(model, spoiled(value), layers=NAMES)
    for name in NAMES:
        assert np.isnan(found[name][1]).all()
        np.testing.assert_allclose(found[name][[0, 2]], before[name][[0, 2]], rtol=1e-5)
    inspector = inspector_for(model)
    recorded = record(inspector, (), spoiled(value))
    values, probabilities = scores_in_batches(inspector, spoiled(value), batch=2)
    for array in (recorded.scores, recorded.probabilities, values, probabilities):
        assert np.isnan(array).all(axis=1).tolist() == [False, True, False]
        assert np.isfinite(array[[0, 2]]).all()


@pytest.mark.parametrize("rows", [(1,), (0, 1, 2)])
def test_health_counts_them_as_not_finite_and_not_as_dead(rows):
    found = health(net(), spoiled(np.nan, rows), layers=NAMES)
    clean = health(net(), X, layers=NAMES)
    for name in NAMES:
        numbers = found[name].numbers
        assert numbers["nonfinite"] == pytest.approx(len(rows) / 3)
        assert numbers["weight_fault"] == 0
        assert numbers["dead"] == (0 if len(rows) == 3 else clean[name].numbers["dead"])


@pytest.mark.parametrize("method", ["grad-cam", "hirescam", "eigen-cam", "score-cam"])
def test_class_maps_of_them_say_why(method):
    found = grad_cam(net(), spoiled(np.nan), targets=0, layers="b", method=method)
    assert np.isnan(found.maps[1]).all()
    assert np.isnan(found.scores).tolist() == [False, True, False]
    assert found.notes[1] == "the map is not finite: the image contains NaN or infinity"
    assert np.isfinite(found.maps[[0, 2]]).all()


@pytest.mark.parametrize(
    "method",
    ["gradients", "smoothgrad", "integrated-gradients", "occlusion", "guided-grad-cam"],
)
def test_saliency_of_them_says_why(method):
    found = saliency_maps(net(), spoiled(np.nan), targets=0, method=method)
    assert np.isnan(found.maps[1]).all()
    assert np.isnan(found.scores).tolist() == [False, True, False]
    assert found.notes[1] == "the map is not finite: the image contains NaN or infinity"
    assert np.isfinite(found.maps[[0, 2]]).all()


def test_one_input_of_several_is_enough_and_whole_numbers_are_finite():
    image, number = keras.Input((8, 8, 1)), keras.Input((1,), dtype="float16")
    word = keras.Input((1,), dtype="int32")
    values = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 3, name="a")(image))
    words = layers.Flatten()(layers.Embedding(4, 2)(word))
    out = layers.Dense(2)(layers.Concatenate()([values, number, words]))
    model = keras.Model([image, number, word], out)
    numbers = np.array([[1], [2], [np.nan]], np.float16)
    words = np.array([[1], [2], [3]], np.int32)
    scores = record(inspector_for(model), (), [spoiled(np.inf, (0,)), numbers, words]).scores
    assert np.isnan(scores).all(axis=1).tolist() == [True, False, True]


def test_an_output_that_adds_up_to_one_is_known_by_the_finite_images():
    image = keras.Input((8, 8, 1))
    sums = layers.GlobalAveragePooling2D()(layers.Conv2D(3, 3, activation="relu")(image)) + 1.0
    shares = layers.Lambda(lambda one: one / keras.ops.sum(one, -1, keepdims=True))(sums)
    model = keras.Model(image, shares)
    assert head_of(inspector_for(model).model_outputs(spoiled(np.nan))).kind == "distribution"


def test_a_fit_says_once_which_images_they_are(tmp_path):
    x, y = data(8)
    model = net()
    model.compile(keras.optimizers.SGD(0.0), "sparse_categorical_crossentropy")
    probe = x[:3].copy()
    probe[1, 4, 4] = np.nan
    ours = [
        tbviz.LayerHealth(tmp_path, probe, layers=NAMES, strict=True),
        tbviz.Saliency(tmp_path, probe, strict=True),
    ]
    model.fit(x, y % 2, 8, 2, verbose=0, callbacks=ours)
    found = [one for one in notices(tmp_path, "warning") if one["event"] == "probe_not_finite"]
    [notice] = found
    assert notice["text"] == (
        "1 of 3 probe images contains NaN or infinity, and so does everything "
        "computed from it: image 1"
    )
    for meta in metas(tmp_path, "health"):
        numbers = meta["layers"]["a"]
        assert numbers["nonfinite"] == pytest.approx(1 / 3, abs=1e-5)
        assert numbers["weight_fault"] == 0
        # No learning rate is to blame.
        assert not any(one["rule"] == "nonfinite" for one in meta.get("advice", ()))
