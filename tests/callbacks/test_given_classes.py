"""Labels and class names that do not fit the model: what is shown, and the one notice about it."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from callbacks.nets import CLASSES, NAMES, SIDE, K, cached_model, compiled, data, metas, notices
from callbacks.test_outputs import BOTH, LABELS, NAMES_OF_BOTH, SIDES, X, captions, fit, two_heads

import tbviz
from tbviz.errors import TbvizError
from tbviz.methods.cams.maps import grad_cam


def warned(log_dir):
    return [(one["text"], one["remedy"]) for one in notices(log_dir, "warning")]


def shown(log_dir):
    [probe] = metas(log_dir, "probe")
    return [(image["label"], image["class"]) for image in probe["images"]]


def trained(log_dir, labels=None, **given):
    x, y = data(8)
    few = {} if labels is None else {"labels": labels}
    callbacks = [
        tbviz.GradCAM(log_dir, x[:4], **few, **given),
        tbviz.Saliency(log_dir, x[:4], **few, **given),
    ]
    cached_model().fit(x, y, 8, 2, verbose=0, callbacks=callbacks)


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([0.5, 1.5, 2.0, 0.1], "they are not whole numbers, such as 0.5"),
        ([[1, 1, 0]] * 4, "their rows are not one-hot, such as [1, 1, 0]"),
        (["left", "up", "both", "left"], "'up' is not among class_names ('left', 'right', 'both')"),
    ],
)
def test_labels_that_are_no_classes_are_one_notice(tmp_path, labels, why):
    trained(tmp_path, labels, class_names=NAMES)
    [(text, remedy)] = warned(tmp_path)
    assert text == f"the labels are not shown as classes: {why}"
    assert remedy.startswith("pass ")
    assert shown(tmp_path) == [(None, None)] * 4
    assert [tile["role"] for tile in captions(tmp_path, "cam", "relu")] == ["predicted"]


def test_texts_without_names_say_what_to_pass(tmp_path):
    trained(tmp_path, ["left"] * 4)
    [(text, remedy)] = warned(tmp_path)
    assert "they are texts, such as 'left', and there are no class_names" in text
    assert "pass class_names=" in remedy


def test_texts_among_the_names_are_classes(tmp_path):
    trained(tmp_path, ["both", "left", "right", "both"], class_names=NAMES, strict=True)
    assert warned(tmp_path) == []
    assert shown(tmp_path) == [(2, "both"), (0, "left"), (1, "right"), (2, "both")]
    assert captions(tmp_path, "cam", "relu")[1]["role"] == "true"


def test_the_true_class_says_why_it_is_missing(tmp_path):
    trained(tmp_path, [0.5] * 4, targets="true")
    texts = [text for text, _ in warned(tmp_path)]
    assert (
        "maps of the true class are left out: the labels are no classes: they are not whole "
        "numbers, such as 0.5"
    ) in texts


def test_labels_of_a_dataset_that_are_no_classes_are_no_warning(tmp_path):
    x, y = data(8)
    dataset = tf.data.Dataset.from_tensor_slices((x, y + 0.5)).batch(4)
    grid = tbviz.ActivationGrid(tmp_path, dataset, strict=True)
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[grid])
    assert warned(tmp_path) == []
    assert any("labels are not shown" in one["text"] for one in notices(tmp_path, "info"))


@pytest.mark.parametrize(
    ("names", "rest"),
    [
        (NAMES[:2], "2 names; the model has 3 classes, so the other classes are shown by their n"),
        ([*NAMES, "up"], "4 names; the model has 3 classes, so the last name is ignored"),
    ],
)
@pytest.mark.parametrize("maximized", [False, True])
def test_another_number_of_names_than_classes_is_one_notice(tmp_path, names, rest, maximized):
    if maximized:
        x, y = data(8)
        ascent = tbviz.Ascent(steps=1)
        classes = tbviz.ClassMaximization(tmp_path, class_names=names, ascent=ascent)
        cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[classes])
        found = [tile["name"] for tile in captions(tmp_path, "classes", "")]
        assert found == [*names, "class 2"][:3]
    else:
        trained(tmp_path, [0, 1, 2, 2], class_names=names)
        assert shown(tmp_path)[2] == (2, [*names, "class 2"][2])
    [(text, remedy)] = warned(tmp_path)
    assert text.startswith(f"class_names received {rest}")
    assert remedy == "pass one name per class, in the order of the model's classes"


def test_names_of_another_output_are_counted_too(tmp_path):
    names = {"class": NAMES, "side": ["low"]}
    fit(two_heads(), tbviz.GradCAM(tmp_path, X, BOTH, class_names=names))
    [(text, _)] = warned(tmp_path)
    assert text.startswith("class_names received 1 name; the model has 2 classes of output 'side'")


@pytest.mark.parametrize("given", ["labels", "class_names"])
def test_a_mistyped_output_of_labels_is_named_and_nothing_else_is_lost(tmp_path, given):
    wrong = {"labels": {"sides": SIDES}, "class_names": {"sides": ["low", "high"]}}
    callback = tbviz.Monitor(tmp_path, X, **{"labels": BOTH, given: wrong[given]})
    fit(two_heads(), callback)
    [(text, _)] = warned(tmp_path)
    assert f"{given} received the output 'sides'; did you mean 'side'? expected one of" in text
    assert captions(tmp_path, "cam", "conv")[0]["role"] == "predicted"
    with pytest.raises(TbvizError, match=f"{given} received the output 'sides'"):
        fit(two_heads(), tbviz.GradCAM(tmp_path / "2", X, **{given: wrong[given]}, strict=True))


@pytest.mark.parametrize("by_name", [True, False])
@pytest.mark.parametrize("made", [list, tuple])
def test_two_arrays_of_two_labels_are_those_of_two_outputs(tmp_path, by_name, made):
    given = made([np.array([0, 1]), np.array([1, 0])])  # as many as images
    cams = tbviz.GradCAM(tmp_path, X[:2], given, output="side", class_names=NAMES_OF_BOTH)
    fit(two_heads(by_name=by_name), cams)
    assert shown(tmp_path) == [(1, "high"), (0, "low")]
    assert warned(tmp_path) == []


def test_labels_for_more_outputs_than_there_are_are_refused_by_number(tmp_path):
    x, y = data(8)
    grid = tbviz.ActivationGrid(tmp_path, x[:4], (y[:4], y[:4]))
    cached_model().fit(x, y, 8, 1, verbose=0, callbacks=[grid])
    [(text, _)] = warned(tmp_path)
    assert "labels received a list of 2 arrays; the model has 1 output" in text
    assert shown(tmp_path) == [(None, None)] * 4


def age_and_kind():
    """A model whose first output by name is a regression."""
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 1))
    means = K.GlobalAveragePooling2D()(K.Conv2D(4, 3, name="conv")(image))
    kind = K.Dense(CLASSES, activation="softmax", name="kind")(means)
    outputs = {"kind": kind, "age": K.Dense(1, name="age")(means)}
    loss = {"kind": "sparse_categorical_crossentropy", "age": "mse"}
    return compiled(keras.Model(image, outputs), loss)


@pytest.mark.parametrize("activation", [None, "sigmoid"])
def test_labels_of_a_model_without_one_class_per_image_are_no_warning(tmp_path, activation):
    keras.utils.set_random_seed(1)
    image = keras.Input((SIDE, SIDE, 1))
    maps = K.Conv2D(4, 3, name="conv")(image)
    out = K.Dense(4, activation=activation, name="out")(K.GlobalAveragePooling2D()(maps))
    labels = np.eye(4)[[0, 1, 2, 3]] + np.eye(4)[[1, 2, 3, 0]]
    grid = tbviz.ActivationGrid(tmp_path, X, labels, strict=True)
    compiled(keras.Model(image, out), "mse").fit(X, labels, verbose=0, callbacks=[grid])
    assert warned(tmp_path) == []
    [notice] = [one for one in notices(tmp_path, "info") if "labels" in one["text"]]
    assert "their rows are not one-hot, such as [1, 1, 0, 0]" in notice["text"]


def test_labels_are_those_of_the_output_that_is_explained(tmp_path):
    ages = np.array([0.5, 3.5, 2.25, 1.0], "float32")
    labels = {"kind": LABELS, "age": ages}
    for output, expected in ((None, None), ("kind", LABELS.tolist())):
        log_dir = tmp_path / str(output)
        cams = tbviz.GradCAM(log_dir, X, labels, output=output, class_names={"kind": NAMES})
        age_and_kind().fit(X, labels, verbose=0, callbacks=[cams])
        found = shown(log_dir)
        if expected is None:
            assert found == [(None, None)] * 4
            [(text, remedy)] = warned(log_dir)
            assert text.startswith("the labels of output 'age' are not shown as classes")
            assert remedy == "pass output='kind' to show its classes"
        else:
            assert found == [(label, NAMES[label]) for label in expected]
            assert warned(log_dir) == []


@pytest.mark.parametrize("model", [two_heads, age_and_kind])
def test_labels_that_name_no_output_say_whose_they_are(tmp_path, model):
    labels = BOTH if model is two_heads else {"kind": LABELS, "age": SIDES.astype("float32")}
    grid = tbviz.ActivationGrid(tmp_path, X, LABELS, class_names=NAMES, strict=True)
    given = tbviz.GradCAM(tmp_path / "named", X, LABELS, output="side" if model is two_heads else 1)
    model().fit(X, labels, verbose=0, callbacks=[grid, given])
    first = "class" if model is two_heads else "age"
    [notice] = [one for one in notices(tmp_path, "info") if "taken as" in one["text"]]
    assert notice["text"] == (
        f"labels and class_names are taken as those of output {first!r}, the first one of the "
        "model's 2, which is explained"
    )
    assert notice["remedy"].startswith("pass output= for another one, or labels and class_names as")
    assert not [one for one in notices(tmp_path / "named") if "taken as" in one["text"]]


def test_labels_without_a_name_belong_to_the_output_of_their_callback(tmp_path):
    fit(
        two_heads(),
        tbviz.ActivationGrid(tmp_path, X, LABELS),  # of the first output
        tbviz.GradCAM(tmp_path, X, output="side", targets=["predicted", "true"]),
    )
    assert [label for label, _ in shown(tmp_path)] == [None] * 4
    assert [tile["role"] for tile in captions(tmp_path, "cam", "conv")] == ["predicted"]


def test_callbacks_may_give_the_labels_of_one_output_each(tmp_path):
    fit(
        two_heads(),
        tbviz.GradCAM(tmp_path, X, LABELS, targets="true", strict=True),
        tbviz.Saliency(tmp_path, X, SIDES, output="side", targets="true", strict=True),
    )
    assert len(shown(tmp_path)) == 4
    found = [captions(tmp_path, "cam", "conv", image)[0]["class"] for image in range(4)]
    assert found == LABELS.tolist()
    pixels = [captions(tmp_path, "saliency:gradients", "", i)[0]["class"] for i in range(4)]
    assert pixels == SIDES.tolist()


def test_a_function_takes_the_labels_of_the_output_too():
    model = two_heads()
    targets = tbviz.Target("true", output="side")
    for labels in (BOTH, list(BOTH.values())):
        assert grad_cam(model, X, targets=targets, labels=labels).classes.tolist() == SIDES.tolist()
    with pytest.raises(TbvizError, match="true class cannot be explained: no labels"):
        grad_cam(model, X, targets=targets, labels=LABELS)
    with pytest.raises(TbvizError, match="labels are no classes: they are not whole numbers"):
        grad_cam(model, X, targets="true", labels=LABELS + 0.5)
    with pytest.raises(TbvizError, match="labels received the output 'sides'"):
        grad_cam(model, X, labels={"sides": SIDES})


@pytest.mark.parametrize("count", [20, 16])
def test_targets_are_cut_with_the_images(tmp_path, count):
    x, y = data(20)
    targets = [tbviz.Target(y[:count]), tbviz.Target((y[:count] + 1) % 3, against=y[:count])]
    given = {"targets": targets, "strict": True}
    callbacks = [
        tbviz.ActivationGrid(tmp_path, x[:16]),
        tbviz.GradCAM(tmp_path, x[:count], y[:count], **given),
    ]
    cached_model().fit(x, y, 20, 1, verbose=0, callbacks=callbacks)
    found = [captions(tmp_path, "cam", "relu", image)[0]["class"] for image in range(16)]
    assert found == y[:16].tolist()


def test_labels_beside_a_dataset_are_cut_in_each_output(tmp_path):
    x, _ = data(24)
    labels = {"class": np.arange(24) % 3, "side": np.arange(24) % 2}
    dataset = tf.data.Dataset.from_tensor_slices(x).batch(6)
    for given in (labels, list(labels.values())):
        grid = tbviz.ActivationGrid(tmp_path, dataset, given, output="side")
        assert len(grid.probe.given.of_unknown_model().labels or [0] * 8) == 8
    with pytest.raises(TbvizError, match="5 values for 8 images; expected one label per image"):
        tbviz.ActivationGrid(tmp_path, dataset, {"class": np.arange(5)})
