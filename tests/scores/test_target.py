"""Targets: what users may write, what they mean, and what each wrong one is told."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from tbviz.errors import TbvizError
from tbviz.scores.class_target import NOTHING, PREDICTED
from tbviz.scores.known_classes import KnownClasses, MissingClasses, class_target_of
from tbviz.scores.output_head import OutputHead
from tbviz.scores.target import Target, is_several, roles_of, targets_of

HEAD = OutputHead("softmax", logits=False, classes=3, target="score", output=1)
NAMES = ["cat", "dog", "horse"]


def test_a_target_is_compared_and_hashed_by_what_it_selects():
    assert Target(np.array([0, 2])) == Target([0, 2]) == Target((0, 2))
    assert len({Target(np.int64(1)), Target(1), Target(1, output=1), Target(1, against="dog")}) == 3
    assert repr(Target("true", against=np.array([1, 0]))) == (
        "Target(score='true', against=(1, 0), output=None)"
    )
    with pytest.raises(dataclasses.FrozenInstanceError):
        Target().score = 1
    with pytest.raises(TypeError):
        Target("true", "dog")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("true", [Target("true")]),
        (2, [Target(2)]),
        (np.int64(2), [Target(2)]),
        (np.array([0, 1]), [Target([0, 1])]),
        (Target(against=1), [Target("predicted", against=1)]),
        ([0, 1], [Target(0), Target(1)]),
        (["true", np.array([0, 1])], [Target("true"), Target([0, 1])]),
    ],
)
def test_one_target_or_a_list_of_several(given, expected):
    assert targets_of(given) == expected
    assert is_several(given) is isinstance(given, list)


def test_roles_are_numbered():
    targets = targets_of(["predicted", 1, "dog", Target([0]), Target(1, against=2), Target(0)])
    assert roles_of(targets) == ["predicted", "class", "class 2", "given", "difference", "class 3"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: targets_of([]), "received an empty list; expected 'predicted', 'true'"),
        (lambda: targets_of(("a", 3)), r"tuple \('a', 3\); write Target\('a', against=3\)"),
        (lambda: targets_of([(1, 2, 3)]), "; write a list for several targets"),
        (lambda: targets_of([[1, 2]]), r"write Target\(\[1, 2\]\) for one class per image"),
        (lambda: Target(0.5), "received score=0.5; expected 'predicted'"),
        (lambda: Target(True), "received score=True; expected"),
        (lambda: Target(None), "received score=None; expected"),
        (lambda: Target([]), r"received score=\[\]; expected"),
        (lambda: Target([[0], [1]]), "received score="),
        (lambda: Target(Target()), "received score=Target"),
        (lambda: Target(-1), "score=-1; classes count from 0"),
        (lambda: Target(against=[0, -2]), r"against=\[0, -2\]; classes count from 0"),
        (lambda: Target(output=1.0), "output=1.0; expected the index or the name"),
    ],
)
def test_what_is_no_target_is_named(make, message):
    with pytest.raises(TbvizError, match=message):
        make()


def classes(target, labels=None, names=None):
    found = class_target_of(target, KnownClasses(2, labels, names), HEAD)
    if isinstance(found, MissingClasses):
        return found
    return found.classes.tolist(), None if found.against is None else found.against.tolist()


def test_classes_of_each_image():
    assert classes(Target()) == ([PREDICTED] * 2, None)
    assert classes(Target("true", against="predicted"), [2, 0]) == ([2, 0], [PREDICTED] * 2)
    assert classes(Target("dog", against=[0, 2]), names=NAMES) == ([1, 1], [0, 2])
    found = class_target_of(Target(1), KnownClasses(2), HEAD)
    assert found.output == 1
    explained, rivals = found.arrays(3)
    assert (explained.tolist(), rivals.tolist()) == ([1, 1], [NOTHING] * 2)


@pytest.mark.parametrize(
    ("labels", "why", "remedy"),
    [
        (None, "no labels", "pass labels="),
        (
            [0, 3],
            "the labels go from 0 to 3, the model has 3 classes",
            "pass labels counted from 0",
        ),
        ([0, None], "the labels go from -1 to 0, the model", "pass labels counted from 0"),
    ],
)
def test_why_the_true_class_is_not_known(labels, why, remedy):
    for target in (Target("true"), Target(0, against="true")):
        found = classes(target, labels)
        assert found.why.startswith(why)
        assert found.remedy == remedy


@pytest.mark.parametrize(
    ("target", "names", "message"),
    [
        (Target("hors"), NAMES, r"unknown class 'hors'; did you mean 'horse'"),
        (Target("zebra"), NAMES, r"class_names are \['cat', 'dog', 'horse'\]"),
        (Target("cat"), None, "pass class_names="),
        (Target([0, 1, 2]), None, "3 classes for 2 images; expected one class per image"),
    ],
)
def test_classes_that_there_are_not_are_named(target, names, message):
    with pytest.raises(TbvizError, match=message):
        classes(target, names=names)
