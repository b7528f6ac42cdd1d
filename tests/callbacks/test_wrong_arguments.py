"""Wrong arguments raise when a callback is made, and say what was received and expected."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from callbacks.nets import data

import tbviz
from tbviz.errors import TbvizError
from tbviz.scores.labels import class_names_by_output, class_names_of

X, Y = data(4)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: tbviz.GradCAM(p, None), "GradCAM received images=None; expected probe images"),
        (lambda p: tbviz.GradCAM(p, X, output=1.5), "received output=1.5; expected the name or"),
        (lambda p: tbviz.Monitor(p, X, output=True), "received output=True; expected the name or"),
        (
            lambda p: tbviz.GradCAM(p, X, method={"grad-cam"}),
            r"method=\{'grad-cam'\}; expected one",
        ),
        (lambda p: tbviz.Saliency(p, X, method=[3]), "received method=3; expected one of 'gradi"),
        (lambda p: tbviz.ClassMaximization(p, ascent=8), "received ascent=8; expected settings"),
        (
            lambda p: tbviz.FilterMaximization(p, ascent=tbviz.Ascent),
            "FilterMaximization received ascent=<class",
        ),
        (
            lambda p: tbviz.LayerHealth(p, X, thresholds={"dead": 0.5}),
            r"received thresholds=\{'dead': 0.5\}; expected tbviz.Thresholds",
        ),
        (lambda p: tbviz.Monitor(p, X, exclude=3), "Monitor received exclude=3"),
        (lambda p: tbviz.Monitor(p, X, Y, class_names="abc"), "class_names received 'abc'"),
        (lambda p: tbviz.Monitor(p, X, Y, class_names={"a", "b"}), "expected a list with the name"),
    ],
)
def test_what_cannot_be_used_is_named_at_once(tmp_path, make, message):
    with pytest.raises(TbvizError, match=message):
        make(tmp_path)


def test_what_can_be_used_is_taken(tmp_path):
    assert tbviz.Monitor(tmp_path, X, max_overhead=np.float32(0.05)).callbacks
    usual = [type(one) for one in tbviz.Monitor(tmp_path, X).callbacks]
    assert [type(one) for one in tbviz.Monitor(tmp_path, X, exclude=None).callbacks] == usual


def test_names_by_index_are_names():
    assert class_names_of({0: "cat", 2: "bird", 1: "dog"}) == ["cat", "dog", "bird"]
    assert class_names_of({"dog": 1, "cat": 0}) == ["cat", "dog"]
    assert class_names_by_output({0: "cat", 1: "dog"}) == {}
    assert class_names_by_output({0: ["cat"], "size": {1: "big", 0: "small"}}) == {
        0: ["cat"],
        "size": ["small", "big"],
    }


@pytest.mark.parametrize("schedule", ["epoch", 5, tbviz.every(batches=3), tbviz.geometric(2)])
def test_callbacks_can_be_pickled(tmp_path, schedule):
    again = pickle.loads(pickle.dumps(tbviz.Monitor(tmp_path, X, schedule=schedule)))
    assert [one.title for one in again.callbacks] == [
        one.title for one in tbviz.Monitor(tmp_path, X, schedule=schedule).callbacks
    ]
