"""Renames translate names and sentences, and cannot hide that anything else has changed."""

from __future__ import annotations

import pytest

from benchmarks.freeze.renames import RENAMES
from benchmarks.freeze.translate import SORTS, Rename, Translation, faults


def rename(sort, old, new, **settings):
    return Rename(sort, old, new, "a test", **settings)


def translated(value, *renames):
    assert faults(renames) == []
    translation = Translation(renames)
    return translation.translate(value), translation.problems


def test_the_project_s_own_renames_have_no_faults():
    assert faults(RENAMES) == []


def test_a_field_is_a_key_and_a_kind_is_a_whole_string_too():
    value = {"look": "look", "cam": ["cam", "cam:x", "a cam"]}
    found, problems = translated(
        value, rename("field", "look", "snapshot"), rename("kind", "cam", "m")
    )
    assert found == {"snapshot": "look", "m": ["m", "cam:x", "a cam"]}
    assert problems == []


def test_where_distinguishes_a_layer_from_a_kind_of_the_same_name():
    value = {"records": {"classes": {"classes": [1]}}}
    found, _ = translated(value, rename("kind", "classes", "ideals", where="*/records/classes"))
    assert found == {"records": {"ideals": {"classes": [1]}}}


def test_a_sentence_carries_over_its_values_and_translates_names_in_it():
    renames = [
        rename("sentence", "{a} of {b} in {layer}", "in {layer}: {a} of {b}"),
        rename("sentence", "{} is left out", "{} was skipped"),
        rename("callback", "Look", "Snapshot"),
    ]
    assert translated("3 of 4 in a/b", *renames)[0] == "in a/b: 3 of 4"
    assert translated("Look is left out", *renames)[0] == "Snapshot was skipped"
    assert translated("Look was left out", *renames)[0] == "Look was left out"


def test_the_longest_sentence_that_fits_is_taken():
    renames = [
        rename("sentence", "{} is dead", "dead: {}"),
        rename("sentence", "{} is dead {}", "{}, {}!"),
    ]
    assert translated("x is dead now", *renames)[0] == "x, now!"
    assert translated("x is dead", *renames)[0] == "dead: x"


@pytest.mark.parametrize(
    "one",
    [
        rename("value", "0.5", "0.6"),
        rename("value", "NaN", "nothing"),
        rename("value", "sha256:00ab", "sha256:00ac"),
        rename("value", "+inf", "-inf"),
        rename("value", "1:2", "1:3"),
        rename("kind", "conv1", "conv2"),
        rename("sentence", "3 are dead", "2 are dead"),
        rename("sentence", "3 are dead", "2 are dead", digits="they differ"),
        rename("sentence", "{} of 4 are dead", "{} are dead"),
        rename("sentence", "{a} of {b} are dead", "{a} of {a} are dead"),
        rename("sentence", "{} are dead", "none are dead"),
        rename("sentence", "{a} {b}", "{b} {a}"),
        rename("sentence", "{}", "{} or so"),
        rename("number", "a", "b"),
        rename("kind", "same", "same"),
        Rename("kind", "old", "new", ""),
    ],
)
def test_a_rename_that_could_hide_a_number_is_refused(one):
    assert faults([one]) != []


def test_no_rename_touches_a_number_or_a_hash():
    value = {"a": 1, "b": 0.5, "c": "NaN", "d": "sha256:ab", "e": [True, None], "f": "0.5"}
    renames = [
        rename(sort, f"the {n}", f"a {n}") for n, sort in zip("xyz", sorted(SORTS), strict=False)
    ]
    renames += [rename("sentence", "{x} a", "{x} b"), rename("sentence", "{}NaN", "{}?")]
    assert translated(value, *renames) == (value, [])


def test_digits_of_a_name_change_with_a_reason():
    assert faults([rename("field", "gray8", "gray")]) != []
    assert faults([rename("field", "gray8", "gray", digits="eight bits go without saying")]) == []


def test_two_names_do_not_become_one():
    pair = [rename("kind", "a", "c"), rename("kind", "b", "c")]
    assert faults(pair) != []
    assert faults([pair[0], pair[0]]) != []
    _, problems = translated({"a": 1, "c": 2}, pair[0])
    assert "'c' is there already" in problems[0]
    _, problems = translated({"x": "a", "y": "c"}, pair[0])
    assert "two names would become one" in problems[0]
    assert translated({"x": "a", "y": "c"}, rename("kind", "a", "c", where="/x"))[1] == []


def test_two_names_may_be_swapped():
    swapped = rename("field", "lo", "hi"), rename("field", "hi", "lo")
    assert translated({"lo": 1, "hi": 2}, *swapped) == ({"hi": 1, "lo": 2}, [])
