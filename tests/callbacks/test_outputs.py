"""Models with several outputs: which one a run's predictions, maps, labels and names are of."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from callbacks.nets import CLASSES, NAMES, SIDE, K, compiled, data, metas, notices, tiles

import tbviz
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.methods.cams.maps import grad_cam
from tbviz.methods.saliency.maps import saliency_maps
from tbviz.scores.target import Target
from tbviz.store.read.reader import open_reader

X, LABELS = data(4)
SIDES = np.array([0, 1, 1, 0])
BOTH = {"class": LABELS, "side": SIDES}
NAMES_OF_BOTH = {"class": NAMES, "side": {"low": 0, "high": 1}}


def two_heads(*, by_name=True):
    """A model whose outputs are a class of three and a side of two."""
    keras.utils.set_random_seed(3)
    image = keras.Input((SIDE, SIDE, 1))
    maps = K.Conv2D(4, 3, activation="relu", name="conv")(image)
    means = K.GlobalAveragePooling2D()(maps)
    heads = {
        "class": K.Dense(CLASSES, activation="softmax", name="class")(means),
        "side": K.Dense(2, activation="softmax", name="side")(means),
    }
    model = keras.Model(image, heads if by_name else list(heads.values()))
    return compiled(model, rate=0.0, run_eagerly=True)


def fit(model, *callbacks):
    labels = BOTH if isinstance(model.output, dict) else list(BOTH.values())
    model.fit(X, labels, verbose=0, callbacks=list(callbacks))


def captions(log_dir, kind, layer, image=0):
    return decode(open_reader(log_dir).picture(kind, layer, 0, image)).text["tiles"]


def probe_of(log_dir):
    [probe] = metas(log_dir, "probe")
    return probe


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize(("output", "index"), [(None, 0), ("class", 0), ("side", 1), (1, 1)])
def test_the_predictions_of_monitor_are_those_of_its_output(tmp_path, output, index, by_name):
    model = two_heads(by_name=by_name)
    labels = {name: one[:2] for name, one in BOTH.items()}
    given = labels if by_name else tuple(labels.values())
    probe = tbviz.Probe(X[:2], given, class_names=NAMES_OF_BOTH)
    fit(model, tbviz.Monitor(tmp_path, probe, output=output, strict=True))
    [predictions] = metas(tmp_path, "predictions")
    expected = keras.tree.flatten(model.predict_on_batch(X[:2]))[index]
    for image, found in enumerate(predictions["images"]):
        assert len(found) == (CLASSES, 2)[index]
        for label, value in found:
            assert value == pytest.approx(float(expected[image, label]), abs=1e-5)
    given = (LABELS, SIDES)[index][:2].tolist()
    names = (NAMES, ["low", "high"])[index]
    shown = probe_of(tmp_path)
    assert [image["label"] for image in shown["images"]] == given
    assert [image["class"] for image in shown["images"]] == [names[label] for label in given]
    assert shown["class_names"] == names
    roles = {tile["role"]: tile for tile in captions(tmp_path, "cam", "conv")}
    assert (roles["true"]["class"], roles["true"]["name"]) == (given[0], names[given[0]])
    assert notices(tmp_path, "warning") == []


def test_labels_that_are_given_plainly_are_those_of_the_output(tmp_path):
    model = two_heads()
    cams = tbviz.GradCAM(
        tmp_path,
        X,
        SIDES,
        output="side",
        targets=["true", Target("true", output="class")],
        class_names=["low", "high"],
    )
    fit(model, cams)
    found = [captions(tmp_path, "cam", "conv", image) for image in range(4)]
    assert [[tile["class"] for tile in tiles] for tiles in found] == [[side] for side in SIDES]
    assert found[1][0]["name"] == "high"
    # Nothing is known of the labels of the other output.
    [notice] = notices(tmp_path, "warning")
    assert notice["text"] == "maps of the true class are left out: no labels"


def test_targets_of_several_outputs_in_one_picture(tmp_path):
    model = two_heads()
    targets = [
        "true",
        Target("true", output="side"),
        Target("high", output=1, against="low"),
        Target(output="side"),
        2,
    ]
    given = {"targets": targets, "class_names": NAMES_OF_BOTH, "strict": True}
    fit(
        model,
        tbviz.GradCAM(tmp_path, X, BOTH, **given),
        tbviz.Saliency(tmp_path, X, BOTH, method="gradients-x-input", **given),
    )
    roles = ["true", "true 2", "difference", "predicted", "class"]
    expected = grad_cam(
        model,
        X,
        targets=[
            LABELS,
            Target(SIDES, output=1),
            Target(1, output=1, against=0),
            Target(output=1),
            2,
        ],
    )
    pixels = saliency_maps(
        model, X, targets=[LABELS, Target(SIDES, output="side")], method="gradients-x-input"
    )
    for image in range(4):
        found = captions(tmp_path, "cam", "conv", image)
        assert [tile["role"] for tile in found] == roles
        for tile, one in zip(found, expected, strict=True):
            assert tile["class"] == one.classes[image]
            assert tile["target"] == one.target
            assert tile["score"] == pytest.approx(float(one.scores[image]), abs=1e-5)
            assert tile["probability"] == pytest.approx(float(one.probabilities[image]), abs=1e-5)
        assert [tile["name"] for tile in found[1:3]] == [("low", "high")[SIDES[image]], "high"]
        assert found[2]["against_name"] == "low"
        stored, half = tiles(tmp_path, "cam", "conv", 0, image)
        maps = np.stack([one.maps[image] for one in expected])
        assert np.all(np.abs(stored - maps) <= half * 1.01 + 1e-6)
        stored, half = tiles(tmp_path, "saliency:gradients-x-input", "", 0, image)
        for tile, one in enumerate(pixels):
            assert np.all(np.abs(stored[tile] - one.maps[image]) <= half[tile] * 1.01 + 1e-6)
    assert found[1]["target"] == "score before softmax of output 'side'"
    assert notices(tmp_path, "warning") == []


def test_classes_of_the_output_are_maximized(tmp_path):
    fit(
        two_heads(),
        tbviz.ClassMaximization(
            tmp_path,
            classes=["high"],
            class_names=NAMES_OF_BOTH,
            output="side",
            ascent=tbviz.Ascent(steps=1),
            strict=True,
        ),
    )
    [tile] = captions(tmp_path, "classes", "")
    assert (tile["class"], tile["name"]) == (1, "high")
    assert tile["target"] == "score before softmax of output 'side'"


def test_an_output_that_there_is_not_is_named_and_the_other_pictures_are_logged(tmp_path):
    fit(two_heads(), tbviz.Monitor(tmp_path, X, output="sides"))
    texts = [notice["text"] for notice in notices(tmp_path, "warning")]
    known = (
        "output received 'sides'; did you mean 'side'? expected one of the model's outputs: "
        "0 ('class'), 1 ('side')"
    )
    assert f"{known}; the predictions are those of the first output" in texts
    assert any(known in text and "predictions" not in text for text in texts)
    kinds = {kind for kind, _ in open_reader(tmp_path).series()}
    assert {"activations", "kernels"} <= kinds
    assert "cam" not in kinds


def test_an_output_that_there_is_not_raises_if_strict(tmp_path):
    with pytest.raises(TbvizError, match="received 'sides'; did you mean 'side'"):
        fit(two_heads(), tbviz.GradCAM(tmp_path, X, output="sides", strict=True))


def test_callbacks_that_share_images_may_explain_different_outputs(tmp_path):
    fit(
        two_heads(),
        tbviz.GradCAM(tmp_path, X, BOTH, targets="true", output="side", strict=True),
        tbviz.Saliency(tmp_path, X, BOTH, targets="true", output="class", strict=True),
    )
    assert [captions(tmp_path, "cam", "conv", i)[0]["class"] for i in range(4)] == SIDES.tolist()
    found = [captions(tmp_path, "saliency:gradients", "", i)[0]["class"] for i in range(4)]
    assert found == LABELS.tolist()
