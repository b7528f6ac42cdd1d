"""Two recordings are compared without a tolerance."""

from __future__ import annotations

import math

import numpy as np
import pytest

from benchmarks.freeze.canonical import digest, mask_amounts, plain, summary, tiles
from benchmarks.freeze.compare import ABSENT, Difference, differences
from benchmarks.freeze.report import report
from benchmarks.freeze.translate import Rename

RECORDED = {
    "demo": [
        {
            "epoch": 0,
            "records": {
                "activations:paint": {"conv": [{"tiles": 2, "range": [0.0, 1.5]}]},
                "notice": {"": [{"text": "3 of 4 channels of conv have been dead"}]},
            },
        }
    ]
}
RENAMES = [
    Rename("kind", "activations:paint", "activations:colors", "the field's word"),
    Rename(
        "sentence", "{} of {} channels of {} have been dead", "{} of {} are dead in {}", "short"
    ),
    Rename("field", "gone", "away", "no longer used"),
]


def recorded(value, text="3 of 4 are dead in conv", tile=2):
    layer = {"conv": [{"tiles": tile, "range": [0.0, value]}]}
    records = {"activations:colors": layer, "notice": {"": [{"text": text}]}}
    return {"demo": [{"epoch": 0, "records": records}]}


def code(old, new, renames=RENAMES, machines=("m", "m"), changes=()):
    sides = [{"machine": m, "parts": parts} for m, parts in zip(machines, (old, new), strict=True)]
    return report(*sides, 10, renames, changes)


def test_anything_may_change_at_a_path_that_is_listed():
    assert code(RECORDED, recorded(2.5)) == 1
    assert code(RECORDED, recorded(2.5), changes=["/demo/0/records/*/conv/0/range/*"]) == 0
    assert code(RECORDED, recorded(2.5), changes=["/demo/1/*"]) == 1


def test_names_alone_may_change(capsys):
    assert code(RECORDED, recorded(1.5)) == 0
    out = capsys.readouterr().out
    assert "0 differences, 0 problems, 2 of 3 renames used" in out
    assert "unused: field 'gone' to 'away'" in out


@pytest.mark.parametrize(
    "changed",
    [
        recorded(math.nextafter(1.5, 2)),
        recorded(1.5, tile=3),
        recorded(1.5, tile=2.0),
        recorded(1.5, "2 of 4 are dead in conv"),
        recorded(1.5, "3 of 4 are dead in Conv"),
        recorded(1.5, "4 of 3 are dead in conv"),
        {},
    ],
)
def test_no_number_choice_or_word_may_change(changed, capsys):
    assert code(RECORDED, changed) == 1
    assert "old: " in capsys.readouterr().out


def test_a_difference_names_path_and_values(capsys):
    code(RECORDED, recorded(1.25))
    out = capsys.readouterr().out
    path = "/demo/0/records/activations:colors/conv/0/range/1"
    assert f"{path}\n    old: 1.5\n    new: 1.25\n" in out


def test_faulty_renames_compare_nothing(capsys):
    assert code(RECORDED, recorded(1.5), [*RENAMES, Rename("kind", "a", "b", " ")]) == 1
    assert (
        capsys.readouterr().out.strip()
        == "the rename of 'a' to 'b': received no reason, expected one"
    )


def test_a_part_that_one_tree_could_not_record_is_reported_and_skipped(capsys):
    drawn, skipped = {"page": {"cam": [{"hash": "sha256:0"}]}}, {"page": {"skipped": "Chromium"}}
    assert code(drawn, skipped, []) == 0
    assert "NOT COMPARED: page" in capsys.readouterr().out
    assert code(RECORDED, recorded(1.5), machines=("m", "n")) == 0
    assert "other machines: m" in capsys.readouterr().out


def test_differences_by_hand():
    old = {"a": [1, 2, {"b": None}], "c": "x", "d": True}
    new = {"a": [1, 3], "c": "y", "e": False, "d": 1}
    assert list(differences(old, new)) == [
        Difference("/a/1", 2, 3),
        Difference("/a/2", {"b": None}, ABSENT),
        Difference("/c", "x", "y"),
        Difference("/d", True, 1),
        Difference("/e", ABSENT, False),
    ]
    assert list(differences(old, old)) == []


def test_one_bit_of_one_number_changes_the_hash():
    values = np.linspace(-1, 1, 200, dtype=np.float32).reshape(2, 10, 10)
    other = values.copy()
    other[1, 4, 4] = np.nextafter(other[1, 4, 4], np.float32(9))
    assert digest(values) != digest(other)
    assert summary(values)["hash"] != summary(other)["hash"]
    one, two = tiles(values)["each"], tiles(other)["each"]
    assert one[0] == two[0]
    assert one[1] != two[1]
    assert digest(values.T) != digest(np.ascontiguousarray(values.T).T)
    assert digest(np.array([np.nan])) == digest(-np.array([np.nan]))
    assert digest(np.array([0.0])) != digest(np.array([-0.0]))


def test_plain_is_strict_json():
    found = plain({"a": (np.float32(0.5), math.nan, -math.inf), 1: np.arange(3), "t": 2.0}, {"t"})
    assert found == {"a": [0.5, "NaN", "-inf"], "1": [0, 1, 2]}
    with pytest.raises(TypeError, match="received a value of type object"):
        plain(object())


def test_amounts_of_bytes_and_time_are_no_part_of_a_sentence():
    text = "about 12.5 kB per snapshot, 3 MB for 4 epochs"
    assert mask_amounts(text) == "about # kB per snapshot, # MB for 4 epochs"
    assert mask_amounts("3 of 4 channels, 5 steps") == "3 of 4 channels, 5 steps"
