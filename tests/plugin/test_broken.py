"""Layers that are not finite: reported where that begins, changes and ends."""

from __future__ import annotations

import pytest

from tbviz.store.write.writer import Writer

RUN = "photographs"
FINE = {"nonfinite": 0.0, "nan": 0.0, "weight_fault": 0}
NAN = {"nonfinite": 1.0, "nan": 1.0, "weight_fault": 2}
INFINITE = {"nonfinite": 1.0, "nan": 1.0, "weight_fault": 1}
BEHIND = {"nonfinite": 1.0, "nan": 1.0, "weight_fault": "NaN"}
OVERFLOWN = {"nonfinite": 0.25, "nan": 0.0, "weight_fault": 0}
OLDER = {"nonfinite": 0.5}


def write(log_dir, *records):
    """A segment: a record an epoch, `None` where layers were not measured."""
    writer = Writer(log_dir)
    for epoch, layers in enumerate(records):
        writer.append({"kind": "metrics", "epoch": epoch, "values": {"loss": 1.0}})
        if layers is not None:
            found = {path: {"channels": 4, "dead": 0, **one} for path, one in layers.items()}
            writer.append({"kind": "health", "epoch": epoch, "layers": found})
    writer.close()


def broken_rows(board, log_dir, since=0, **further):
    answer = board(log_dir).ask("health", run=RUN, since=since, names="dead", **further)
    return [tuple(row) for row in answer.get("not_finite", ())]


@pytest.mark.parametrize(
    ("numbers", "what"),
    [
        (NAN, "NaN"),
        (INFINITE, "infinite"),
        (BEHIND, "NaN"),
        (OVERFLOWN, "infinite"),
        (OLDER, "not finite"),
    ],
)
def test_what_it_is(board, tmp_path, numbers, what):
    write(tmp_path / RUN, {"a": FINE}, None, {"a": numbers}, {"a": numbers})
    assert broken_rows(board, tmp_path) == [(2, "a", what)]


def test_it_changes_and_ends(board, tmp_path):
    write(
        tmp_path / RUN,
        {"a": FINE, "b": FINE},
        {"a": INFINITE, "b": BEHIND},
        None,
        {"a": NAN, "b": BEHIND},
        {"a": FINE, "b": FINE},
    )
    expected = [
        (1, "a", "infinite"),
        (1, "b", "NaN"),
        (3, "a", "NaN"),
        (4, "a", None),
        (4, "b", None),
    ]
    assert broken_rows(board, tmp_path) == expected
    assert broken_rows(board, tmp_path, since=3) == expected[2:]
    # It is not reported in a part of the health, nor if there is nothing to report.
    assert broken_rows(board, tmp_path, layer="a") == broken_rows(board, tmp_path, points=2) == []
    assert broken_rows(board, tmp_path, since=5) == []


def test_a_new_segment_begins_well(board, tmp_path):
    write(tmp_path / RUN, {"a": NAN})
    write(tmp_path / RUN, None, {"a": NAN})
    assert broken_rows(board, tmp_path) == [(0, "a", "NaN"), (1, "a", None), (2, "a", "NaN")]
