"""Arguments that no model could make use of are refused when a callback is made."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from callbacks.nets import cached_model, data, notices

import tbviz
from tbviz.errors import TbvizError

X, Y = data(8)
CLASSES, FILTERS = tbviz.ClassMaximization, tbviz.FilterMaximization


@pytest.mark.parametrize(
    "layers", [1.5, True, 3, b"conv1", [], "", [1.5], {"conv1": 1}, [["a", 2]]]
)
@pytest.mark.parametrize("made", [tbviz.ActivationGrid, tbviz.Monitor, FILTERS, tbviz.Kernels])
def test_what_is_no_filter_of_layers(tmp_path, made, layers):
    images = () if made in (FILTERS, tbviz.Kernels) else (X[:2],)
    with pytest.raises(TbvizError, match=r"layers received .*; expected a path, a name, a glob"):
        made(tmp_path, *images, layers=layers)


def test_what_is_a_filter_of_layers(tmp_path):
    for layers in (
        "conv1",
        re.compile("conv"),
        ["conv1", ("pool",)],
        {"conv1"},
        np.array(["conv1"]),
    ):
        tbviz.ActivationGrid(tmp_path, X[:2], layers=layers)
    grid = tbviz.ActivationGrid(tmp_path, X[:2], layers=(name for name in ["conv1", "conv2"]))
    assert grid.layers == ["conv1", "conv2"]  # it is read at each fit
    for layers in (1, [1, 4], [[1, 2], ["conv1"]], range(3), np.array([1, 2])):
        tbviz.Hypercolumns(tmp_path, X[:2], layers=layers)
    for layers in (1.5, True, [], [[]]):
        with pytest.raises(TbvizError, match="layers received"):
            tbviz.Hypercolumns(tmp_path, X[:2], layers=layers)


@pytest.mark.parametrize("classes", [[], -1, [-1], True, [True], 3, "cat", [1.5], [""], {0: "a"}])
def test_what_are_no_classes(tmp_path, classes):
    with pytest.raises(TbvizError, match=r"received classes=.*; expected a list of classes"):
        CLASSES(tmp_path, classes=classes)


def test_classes_that_the_model_lacks_are_one_notice(tmp_path):
    callbacks = [CLASSES(tmp_path, classes=[0, 99]), FILTERS(tmp_path, filters=[0, 99])]
    cached_model().fit(X, Y, 8, 2, verbose=0, callbacks=callbacks)
    texts = [notice["text"] for notice in notices(tmp_path, "warning")]
    assert [text for text in texts if "classes received 99; the model has 3 classes" in text]
    assert [text for text in texts if "received channels [99]" in text]
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize("filters", [0, -1, [], True, [-1], [1.5], ["a"], "16", 2.0, {1: 2}])
@pytest.mark.parametrize("made", [FILTERS, tbviz.Kernels])
def test_what_are_no_filters(tmp_path, made, filters):
    with pytest.raises(TbvizError, match=r"received filters=.*; expected a number of filters"):
        made(tmp_path, filters=filters)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("rate", [float("nan"), float("inf"), -0.1, 0, "0.2", True, None]),
        ("steps", [0, -1, 1.5, True, "24"]),
        ("diversity", [0, 1.5]),
        ("start", [-1, float("nan")]),
        ("decay", [float("nan"), float("-inf"), float("inf")]),
        ("total_variation", [-1.0, float("inf")]),
        ("l2", [-1.0]),
        ("apart", [float("nan")]),
        ("transforms", [None, 3]),
    ],
)
def test_settings_of_the_ascent(name, values):
    for value in values:
        with pytest.raises(TbvizError, match=rf"Ascent received {name}=.*; expected "):
            tbviz.Ascent(**{name: value})


@pytest.mark.parametrize("seed", [-1, 1.5, True, "0", None])
def test_what_is_no_seed(tmp_path, seed):
    with pytest.raises(TbvizError, match=r"received seed=.*; expected a whole number"):
        FILTERS(tmp_path, seed=seed)


def test_numbers_of_numpy_are_settings_too():
    ascent = tbviz.Ascent(steps=np.int64(3), rate=np.float32(0.5), diversity=np.int8(2), decay=-1)
    assert (ascent.steps, ascent.diversity) == (3, 2)


@pytest.mark.parametrize("value", ["no", 1, 0, None, "", np.float32(1)])
def test_what_is_neither_true_nor_false(tmp_path, value):
    for made in (
        lambda: tbviz.Monitor(tmp_path, X[:2], strict=value),
        lambda: tbviz.Kernels(tmp_path, strict=value),
        lambda: tbviz.ActivationGrid(tmp_path, X[:2], colors=value),
        lambda: tbviz.ActivationGrid(tmp_path, X[:2], overview=value),
        lambda: tbviz.Hypercolumns(tmp_path, X[:2], normalize=value),
        lambda: FILTERS(tmp_path, warm_start=value),
    ):
        with pytest.raises(TbvizError, match=r"received \w+=.*; expected True or False"):
            made()
    assert tbviz.Kernels(tmp_path, strict=np.True_).strict is True


@pytest.mark.parametrize("log_dir", ["", "  ", None, 3, b"logs", X[:2]])
@pytest.mark.parametrize("made", [tbviz.Monitor, tbviz.Kernels])
def test_what_is_no_log_directory(made, log_dir):
    with pytest.raises(TbvizError, match=r"received log_dir.*; expected a path or a URI"):
        made(log_dir)
    assert tbviz.Kernels(Path()).log_dir


@pytest.mark.parametrize("max_disk", [True, False, 0, -1, float("nan"), "20", b"5 GB", [1]])
def test_what_is_no_size(tmp_path, max_disk):
    with pytest.raises(TbvizError, match=r"received max_disk=.*; expected a number of bytes"):
        tbviz.Monitor(tmp_path, max_disk=max_disk)


@pytest.mark.parametrize(
    "given", [{"class_names": ["a"]}, {"labels": [1]}, {"layers": "conv1"}, {"output": 1}]
)
def test_what_monitor_uses_only_with_images(tmp_path, given):
    [name] = given
    with pytest.raises(TbvizError, match=rf"Monitor received {name}= without images=; .*Pass both"):
        tbviz.Monitor(tmp_path, **given)


@pytest.mark.parametrize("name", ["images", "labels", "class_names", "output"])
def test_kernels_say_that_they_take_no_images(tmp_path, name):
    expected = rf"{name}=; Kernels draws weights and takes no images. Leave {name}= out"
    with pytest.raises(TypeError, match=expected):
        tbviz.Kernels(tmp_path, **{name: X[:2]})
    with pytest.raises(
        TypeError, match=r"at most 1: log_dir\..*Kernels draws weights and takes no"
    ):
        tbviz.Kernels(tmp_path, X[:2])
