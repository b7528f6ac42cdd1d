"""Labels and class names, of a single output and by output of the model."""

from __future__ import annotations

import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.scores.given_classes import given_classes
from tbviz.scores.labels import NoClasses, class_names_by_output, class_names_of, read_labels
from tbviz.taps.final_outputs import FinalOutput

A, B = np.array([0, 1, 1]), np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])
KIND, MARK = FinalOutput(0, (1, 2), name="kind"), FinalOutput(1, (1, 2), key="mark", name="d")
BOTH = [KIND, MARK]


def of_each(labels, names=None, outputs=BOTH, count=3, **further):
    given = given_classes(labels, names, count, **further)
    return [given.for_output(one, len(outputs)) for one in outputs]


def labels_of(labels, outputs=BOTH, **further):
    return [one.labels for one in of_each(labels, outputs=outputs, **further)]


def test_labels_by_output():
    assert labels_of({"kind": A, "mark": B}) == [[0, 1, 1], [1, 0, 1]]
    assert labels_of({0: A, "d": B}) == [[0, 1, 1], [1, 0, 1]]
    assert labels_of((A, B)) == labels_of([A, B]) == [[0, 1, 1], [1, 0, 1]]
    assert labels_of({"kind": A, "mark": A + 0.5}) == [[0, 1, 1], None]
    for single in (A, B, [0, 1, 1], [[1, 0], [0, 1], [0, 1]], None):
        assert given_classes(single, None, 3).by_output is False
        assert labels_of(single)[1] is None  # it belongs to the first output
    with pytest.raises(TbvizError, match="3 values for 4 images"):
        given_classes({"kind": A}, None, 4)


def test_a_list_of_arrays_has_one_per_output_if_the_model_has_as_many():
    two = [np.array([0, 1]), np.array([1, 0])]  # as many as images, and one-hot rows besides
    assert labels_of(two, count=2) == [[0, 1], [1, 0]]
    assert labels_of(two, [KIND], count=2) == [[1, 0]]  # the rows of the only output
    assert labels_of(tuple(two), count=2) == [[0, 1], [1, 0]]
    assert labels_of(list(np.eye(3)), [KIND]) == [[0, 1, 2]]
    given = given_classes([A, A, A], None, 3)
    for outputs in ([], BOTH):
        with pytest.raises(TbvizError, match=r"list of 3 arrays; the model has \d outputs"):
            given.check(outputs)
        assert labels_of([A, A, A], outputs) == [None] * len(outputs)
    with pytest.raises(TbvizError, match="2 arrays; the model has 1 output, expected one array"):
        given_classes((A, A), None, 3).check([KIND])


@pytest.mark.parametrize("labels", [(A, A), [A, A], {"kind": A}, A, [0, 1, 1], B])
def test_labels_of_another_length_are_one_error_with_both_lengths(labels):
    for count in (4, 5):
        with pytest.raises(TbvizError, match=f"3 values for {count} images; expected one label"):
            given_classes(labels, None, count)
    with pytest.raises(TbvizError, match="received 3 arrays of 2 values for 4 images; expected"):
        given_classes(list(B), None, 4)


def test_labels_of_more_images_are_cut_with_them_in_each_output():
    more, rows = np.arange(40), np.eye(40)
    for labels in ((more, rows), [more, rows], {"kind": more, "mark": list(more)}):
        assert labels_of(labels, whole=False) == [[0, 1, 2], [0, 1, 2]]
    assert labels_of(list(rows), [KIND], whole=False) == [[0, 1, 2]]
    given = given_classes((more[:20], rows[:20]), None, 20).first(16)
    assert [len(given.for_output(one, 2).labels) for one in BOTH] == [16, 16]


@pytest.mark.parametrize(
    ("labels", "why"),
    [
        ([0.5, 1.25, 2], "they are not whole numbers, such as 0.5"),
        ([0, np.nan, 1], "they are not whole numbers, such as nan"),
        ([0, np.inf, 1], "they are not whole numbers, such as inf"),
        ([[1, 1, 0], [0, 0, 0], [1, 0, 1]], r"their rows are not one-hot, such as [1, 1, 0]"),
        (np.zeros((3, 20)), "such as [0, 0, 0, 0, 0, 0, 0, 0, ...]"),
        (np.zeros((3, 8, 8)), "they have the shape (8, 8) per image"),
        ([[0, 1], [2], [1]], "they hold values such as"),
        (np.array([1j, 2, 3]), "they are of type complex128"),
        (np.array(["2020-01-01"] * 3, "datetime64[D]"), "they are of type datetime64[D]"),
    ],
)
def test_what_is_no_class_says_why(labels, why):
    found = read_labels(labels, 3)
    assert isinstance(found, NoClasses)
    assert why in found.why


def test_names_of_classes_are_labels_if_class_names_have_them():
    names = ["cat", "dog"]
    for labels in (
        ["dog", "cat", "dog"],
        np.array([b"dog", b"cat", b"dog"]),
        np.array([["dog"], ["cat"], ["dog"]]),
    ):
        assert of_each(labels, names)[0].labels == [1, 0, 1]
    assert of_each(["dog"] * 3, {"cat": 4, "dog": 2})[0].labels == [2, 2, 2]
    by_output = of_each({"kind": ["dog"] * 3, "mark": ["x", "y", "x"]}, {"d": ["y", "x"]})
    assert [one.labels for one in by_output] == [None, [1, 0, 1]]
    assert by_output[0].missing.why == (
        "they are texts, such as 'dog', and there are no class_names"
    )
    [found, _] = of_each(["dog", "bird", "cow"], names)
    assert found.missing.why == "'bird', 'cow' are not among class_names ('cat', 'dog')"
    assert found.missing.remedy == "pass the names of class_names, or whole numbers from 0"


def test_an_output_that_the_model_lacks_is_named_with_those_that_it_has():
    for labels, names, argument in (
        ({"kinds": A}, None, "labels"),
        (None, {"kinds": ["a"]}, "cla"),
    ):
        with pytest.raises(TbvizError) as raised:
            given_classes(labels, names, 3).check(BOTH)
        assert str(raised.value).startswith(argument)
        assert "received the output 'kinds'; did you mean 'kind'? expected one of" in str(
            raised.value
        )
        assert "0 ('kind'), 1 ('mark')" in str(raised.value)
    for key in (1.5, ("kind",), 2, -1):
        with pytest.raises(TbvizError, match="expected one of the model's outputs"):
            given_classes({key: A}, None, 3).check(BOTH)
    for labels, names in (({None: A}, None), (None, {None: ["a"]})):
        with pytest.raises(TbvizError, match="received None as an output"):
            given_classes(labels, names, 3)


def test_what_several_callbacks_give_for_the_same_images_is_joined():
    first, second = given_classes(A, None, 3), given_classes(1 - A, ["a", "b"], 3)
    assert first.joined(second) is None  # one label per image and output
    both = first.joined(second.belonging_to("mark"))
    assert [both.for_output(one, 2).labels for one in BOTH] == [[0, 1, 1], [1, 0, 0]]
    assert [both.for_output(one, 2).names for one in BOTH] == [None, ["a", "b"]]
    assert first.belonging_to("mark").for_output(KIND, 2).labels is None
    assert given_classes(None, None, 3).joined(second) == second


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
    for names, expected in (
        ({"kind": ["a"], "mark": ["b"]}, [["a"], ["b"]]),
        ({0: ["a"], 1: ["b"]}, [["a"], ["b"]]),
        ({"d": ["b"]}, [None, ["b"]]),
        (["single"], [None, ["single"]]),
    ):
        given = given_classes(None, names, 3)
        assert [given.for_output(one, 2, default=1).names for one in BOTH] == expected
