"""Labels and class names, of a single output and by output of the model."""

from __future__ import annotations

import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.scores.labels import (
    class_names_by_output,
    class_names_of,
    labels_by_output,
    of_output,
)
from tbviz.taps.final_outputs import FinalOutput

A, B = np.array([0, 1, 1]), np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])


def test_labels_by_output():
    assert labels_by_output({"kind": A, "mark": B}, 3) == {"kind": [0, 1, 1], "mark": [1, 0, 1]}
    assert labels_by_output((A, B), 3) == {0: [0, 1, 1], 1: [1, 0, 1]}
    assert labels_by_output({"kind": A, "size": A + 0.5}, 3) == {"kind": [0, 1, 1], "size": None}
    for single in (A, B, [0, 1, 1], list(np.eye(3)), None):
        assert labels_by_output(single, 3) == {}
    with pytest.raises(TbvizError, match="3 values for 4 images"):
        labels_by_output({"kind": A}, 4)


def test_names_of_one_output_in_order_or_by_number():
    assert class_names_of(("cat", 5)) == ["cat", "5"]
    assert class_names_of({"dog": 1, "cat": 0, "horse": np.int64(3)}) == [
        "cat",
        "dog",
        "class 2",
        "horse",
    ]
    assert class_names_of(None) is None
    for wrong in ({"cat": 0, "dog": 0}, {"cat": -1}):
        with pytest.raises(TbvizError, match="expected one index per name, counted from 0"):
            class_names_of(wrong)


def test_names_by_output():
    given = {"kind": ["cat", "dog"], 1: {"red": 1, "blue": 0}}
    assert class_names_by_output(given) == {"kind": ["cat", "dog"], 1: ["blue", "red"]}
    assert class_names_of(given) is None
    assert class_names_by_output({"cat": 0}) == class_names_by_output(["cat"]) == {}


def test_what_is_known_of_an_output():
    outputs = [FinalOutput(0, (1, 2), name="kind"), FinalOutput(1, (1, 2), key="mark", name="d")]
    for by_output, expected in (
        ({"kind": "a", "mark": "b"}, ["a", "b"]),
        ({0: "a", 1: "b"}, ["a", "b"]),
        ({"d": "b"}, [None, "b"]),
        ({}, [None, "single"]),
    ):
        assert [of_output(by_output, "single", one, default=1) for one in outputs] == expected
