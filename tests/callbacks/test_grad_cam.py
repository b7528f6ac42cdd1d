from __future__ import annotations

import functools

import numpy as np
import pytest
from callbacks.nets import CLASSES, NAMES, data, functional, metas, notices, tiles, vectors

from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.saliency import Saliency
from tbviz.errors import TbvizError
from tbviz.images.sheet import decode
from tbviz.methods.cams.maps import grad_cam
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.cams.score_cam import ScoreCam
from tbviz.methods.saliency.integrated_gradients import IntegratedGradients
from tbviz.methods.saliency.maps import saliency_maps
from tbviz.methods.saliency.occlusion import Occlusion
from tbviz.methods.saliency.smoothgrad import SmoothGrad
from tbviz.scores.target import Target
from tbviz.store.read.reader import open_reader

X, LABELS = data(3)


@functools.cache
def model():
    made = functional()
    made.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    return made


def fit(*callbacks):
    model().optimizer.learning_rate = 0.0  # what is drawn can be computed again afterwards
    model().fit(X, LABELS, verbose=0, callbacks=list(callbacks))


def captions(log_dir, kind, layer, image=0):
    return decode(open_reader(log_dir).picture(kind, layer, 0, image)).text["tiles"]


def same(log_dir, kind, layer, expected):
    """The stored tiles `(images, tiles, height, width)` are these, to half a level."""
    for image, maps in enumerate(expected):
        stored, half = tiles(log_dir, kind, layer, 0, image)
        assert stored.shape == maps.shape
        assert np.all(np.abs(stored - maps) <= half * 1.01 + 1e-6)


def test_each_method_has_its_kind_and_several_layers_are_drawn(tmp_path):
    layers = ["conv1", "relu"]
    fit(
        *(
            GradCAM(tmp_path, X, LABELS, layers=layers, method=method, strict=True)
            for method in CAMS
        )
    )
    for method in CAMS:
        kind = "cam" if method == "grad-cam" else f"cam:{method}"
        for layer in layers:
            class_choices = [LABELS] if method == "eigen-cam" else ["predicted", LABELS]
            found = [
                grad_cam(model(), X, targets=one, layers=layer, method=method).maps
                for one in class_choices
            ]
            same(tmp_path, kind, layer, np.stack(found, axis=1))
    layouts = {layout["picture"]: layout for layout in metas(tmp_path, "layout")}
    assert layouts["cam"]["roles"] == layouts["cam:layercam"]["roles"] == ["predicted", "true"]
    assert layouts["cam:eigen-cam"]["roles"] == ["predicted"]
    assert layouts["cam:eigen-cam"]["target"] == "the layer's strongest pattern, whatever the class"
    assert "64 strongest" in layouts["cam:score-cam"]["target"]
    assert (layouts["cam"]["method"], layouts["cam"]["title"]) == ("grad-cam", "Grad-CAM")
    assert notices(tmp_path, "warning") == []


def test_targets_have_a_tile_and_a_caption_each(tmp_path):
    given = [2, 0, 1]
    targets = [
        "both",
        np.array(given),
        Target("true", against="left"),
        1,
        Target("predicted", against=given),
    ]
    cams = GradCAM(tmp_path, X, LABELS, targets=targets, class_names=NAMES, strict=True)
    quick = [SmoothGrad(samples=2), Occlusion(0.5, 0.5)]
    fit(cams, Saliency(tmp_path, X, LABELS, method=quick, targets=targets[1:3], strict=True))
    predicted = model().predict_on_batch(X).argmax(1)
    classes = [[2] * 3, given, LABELS, [1] * 3, predicted]
    against = [None, None, [0] * 3, None, given]
    maps = [
        grad_cam(model(), X, targets=Target(one, against=other)).maps
        for one, other in zip(classes, against, strict=True)
    ]
    same(tmp_path, "cam", "relu", np.stack(maps, axis=1))
    [layout] = [layout for layout in metas(tmp_path, "layout") if layout["picture"] == "cam"]
    roles = ["class", "given", "difference", "class 2", "difference 2"]
    assert layout["roles"] == roles
    for image in range(3):
        found = captions(tmp_path, "cam", "relu", image)
        assert [tile["role"] for tile in found] == roles
        assert [tile["class"] for tile in found] == [int(one[image]) for one in classes]
        assert [tile["name"] for tile in found] == [NAMES[int(one[image])] for one in classes]
        pair = found[2]
        assert (pair["against"], pair["against_name"]) == (0, "left")
        assert pair["target"] == "score before softmax, less that of another class"
        assert "against" not in found[0]
        score = grad_cam(model(), X, targets=Target(LABELS, against=0)).scores[image]
        assert pair["score"] == pytest.approx(float(score), abs=1e-5)
    for method in quick:
        expected = [
            saliency_maps(model(), X, targets=Target(one, against=other), method=method).maps
            for one, other in zip(classes[1:3], against[1:3], strict=True)
        ]
        same(tmp_path, f"saliency:{method.name}", "", np.stack(expected, axis=1))


def test_labels_are_missed_only_where_they_were_asked_for(tmp_path):
    fit(GradCAM(tmp_path, X, strict=True), Saliency(tmp_path, X, targets=["predicted", "true"]))
    assert [tile["role"] for tile in captions(tmp_path, "cam", "relu")] == ["predicted"]
    assert [tile["role"] for tile in captions(tmp_path, "saliency:gradients", "")] == ["predicted"]
    [notice] = notices(tmp_path, "warning")
    assert (notice["method"], notice["remedy"]) == ("Saliency", "pass labels=")


@pytest.mark.parametrize(
    ("target", "messages"),
    [
        (CLASSES, r"received classes \[3, 3, 3\]; the model has 3"),
        (np.array([0, 1]), "2 classes for 3 images"),
        ("lefft", "unknown class 'lefft'; did you mean 'left'"),
    ],
)
def test_classes_that_there_are_not_are_named(tmp_path, target, messages):
    cams = GradCAM(tmp_path, X, targets=[target], class_names=NAMES, strict=True)
    with pytest.raises(TbvizError, match=messages):
        fit(cams)


@pytest.mark.parametrize(
    ("arguments", "messages"),
    [
        ({"targets": []}, "GradCAM: targets received an empty list; expected 'predicted'"),
        ({"targets": [("true", 1)]}, r"write Target\('true', against=1\) for their difference"),
        ({"targets": ("predicted", "true", 1)}, "; write a list for several targets"),
        ({"targets": [[0, 1, 2]]}, r"inside a list; write Target\(\[0, 1, 2\]\)"),
        ({"targets": [0.5]}, "received score=0.5; expected 'predicted'"),
        ({"targets": [-1]}, "received score=-1; classes count from 0"),
        ({"method": "camm"}, "expected one of 'grad-cam'"),
    ],
)
def test_what_cannot_be_is_an_error_at_once(tmp_path, arguments, messages):
    with pytest.raises(TbvizError, match=messages):
        GradCAM(tmp_path, X, **arguments)


def test_saliency_s_own_arguments_are_checked_at_once(tmp_path):
    with pytest.raises(TbvizError, match="expected one of 'gradients'"):
        Saliency(tmp_path, X, method="grad-cam")
    for methods in ([], ["gradients", "gradients"]):
        with pytest.raises(TbvizError, match="expected at least one, each once"):
            Saliency(tmp_path, X, method=methods)


def test_a_method_may_come_with_settings_of_its_own(tmp_path):
    fit(GradCAM(tmp_path, X, method=ScoreCam(channels=1), strict=True))
    expected = grad_cam(model(), X, method=ScoreCam(channels=1)).maps
    same(tmp_path, "cam:score-cam", "relu", expected[:, None])


def test_all_saliency_methods_are_drawn_signed_where_they_are(tmp_path):
    methods = [
        "gradients",
        "gradients-x-input",
        SmoothGrad(samples=2),
        IntegratedGradients(points=1),
        Occlusion(0.5, 0.5),
        "guided-grad-cam",
    ]
    fit(Saliency(tmp_path, X, method=methods, strict=True))
    layouts = metas(tmp_path, "layout")
    assert [layout["layer"] for layout in layouts] == [""] * 6
    signed = {layout["method"]: layout["signed"] for layout in layouts}
    assert [name for name, has in signed.items() if has] == [
        "gradients-x-input",
        "integrated-gradients",
        "occlusion",
    ]
    for method in methods:
        maps = saliency_maps(model(), X, method=method)
        same(tmp_path, f"saliency:{maps.method}", "", maps.maps[:, None])
    # One point is not enough for the sum to be that of the scores, and a note says so.
    found = saliency_maps(model(), X, method=methods[3]).completeness
    captions = [
        decode(open_reader(tmp_path).picture("saliency:integrated-gradients", "", 0, image)).text
        for image in range(3)
    ]
    notes = [text["tiles"][0] for text in captions]
    off = [not abs(share - 1) <= 0.05 for share in found]
    assert [("note" in text) for text in notes] == off


def test_a_model_without_images_is_left_out(tmp_path):
    x = np.random.default_rng(0).random((4, 5)).astype("float32")
    net = vectors()
    net.run_eagerly = True
    net.fit(x, np.arange(4) % 2, verbose=0, callbacks=[Saliency(tmp_path, x[:2], strict=True)])
    [notice] = notices(tmp_path)
    assert notice["text"] == "left out: this model has no image among its inputs"
    assert open_reader(tmp_path).series() == []


def test_one_broken_method_leaves_the_others_alone(tmp_path, messages):
    class Broken(Occlusion):
        def attribute(self, changed, class_target):
            raise RuntimeError("nothing hidden today")

    fit(Saliency(tmp_path, X, method=[Broken(), "gradients"]))
    assert open_reader(tmp_path).series() == [("saliency:gradients", "")]
    [text] = messages()
    assert text.startswith("tbviz Saliency occlusion: RuntimeError: nothing hidden today")


def test_a_network_of_nan_is_drawn_and_reported(tmp_path):
    weights = model().get_weights()
    model().set_weights([np.full_like(weight, np.nan) for weight in weights])
    try:
        fit(GradCAM(tmp_path, X, strict=True), Saliency(tmp_path, X, strict=True))
    finally:
        model().set_weights(weights)
    for kind, layer in (("cam", "relu"), ("saliency:gradients", "")):
        text = decode(open_reader(tmp_path).picture(kind, layer, 0, 0)).text
        assert text["tiles"][0]["note"].startswith("the map is not finite")
        assert "the weights of conv1 have been NaN since epoch 0" in text["tiles"][0]["note"]
    # That of the loss and that of the weights; of the two callbacks none.
    assert {notice["method"] for notice in notices(tmp_path, "warning")} == {"tbviz"}


def test_each_map_of_zeros_has_a_note_and_no_other(tmp_path):
    """A class of negative weights is raised by nothing: its map is zero, another's is not."""
    net = model()
    weights = net.get_weights()
    kernel = weights[-2].copy()
    kernel[:, 0], kernel[:, 1] = -1, 1
    net.set_weights([*weights[:-2], kernel, weights[-1]])
    try:
        fit(GradCAM(tmp_path, np.abs(X) + 1, targets=[0, 1], strict=True))
    finally:
        net.set_weights(weights)
    text = decode(open_reader(tmp_path).picture("cam", "relu", 0, 0)).text
    assert "note" not in text
    assert text["tiles"][0]["note"] == "the map is zero: nothing in this layer raises the score"
    assert "note" not in text["tiles"][1]


def test_a_target_that_cannot_be_given_is_reported_and_ends_nothing(tmp_path):
    fit(
        GradCAM(tmp_path, X, targets="true", strict=True),
        Saliency(tmp_path, X, targets=["true"], strict=True),
    )
    assert open_reader(tmp_path).series() == []
    messages = {(n["method"], n["text"]) for n in notices(tmp_path, "warning")}
    text = "maps of the true class are left out: no labels"
    assert messages == {("GradCAM", text), ("Saliency", text)}


def test_a_class_alone_is_one_target(tmp_path):
    fit(GradCAM(tmp_path, X, targets=2, strict=True))
    [tile] = decode(open_reader(tmp_path).picture("cam", "relu", 0, 0)).text["tiles"]
    assert (tile["role"], tile["class"]) == ("class", 2)
