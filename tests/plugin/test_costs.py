"""The costs of tbviz: the sums that `./costs` answers."""

from __future__ import annotations

import contextlib
import json

import pytest

from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

RUN = "photographs"


def cost(epoch, **fields):
    return {"kind": "cost", **FitPosition(epoch).fields(), **fields}


def test_a_run_of_before_has_no_budget_and_nothing_left_out(board, logs):
    first, second = board(logs).ask("costs", run=RUN)["segments"]
    assert (first["segment"], second["segment"]) == (1, 2)
    assert first == {
        "segment": 1, "budget": None, "factor": None,
        "wall": 18, "main": 0.3, "compile": 0.8, "wait": 0.006, "writer": 0.48,
        "methods": {
            "ActivationGrid":
                {"main": 0.12, "compile": 0.8, "encode": 0, "snapshots": 6, "skipped": 0},
            "GradCAM": {"main": 0.18, "compile": 0, "encode": 0, "snapshots": 6, "skipped": 0},
        },
    }  # fmt: skip


def test_all_fields_add_up(board, tmp_path):
    with contextlib.closing(Writer(tmp_path / RUN)) as writer:
        writer.append(cost(0, seconds={"A": 1, "B": 2}, compile={"B": 9}, wait=0.5, wall=20,
                           writer=3, encode={"A": 0.25}, budget=0.05))  # fmt: skip
        writer.append(cost(1, seconds={"A": 1.5}, compile={}, wait=0, wall=10, writer=2,
                           encode={"A": 0.25, "B": 4}, skipped=["B", "C"], factor=0.8,
                           budget=0.1, unheard_of=[1]))  # fmt: skip
        writer.append(cost(2, seconds={}, compile={}, wait=0, wall=10, writer=0,
                           skipped=["B"], budget=0.1))  # fmt: skip
    (only,) = board(tmp_path).ask("costs", run=RUN)["segments"]
    assert only.pop("methods") == {
        "A": {"main": 2.5, "compile": 0, "encode": 0.5, "snapshots": 2, "skipped": 0},
        "B": {"main": 2, "compile": 9, "encode": 4, "snapshots": 1, "skipped": 2},
        "C": {"main": 0, "compile": 0, "encode": 0, "snapshots": 0, "skipped": 1},
    }
    assert only == {
        "segment": 1, "budget": 0.1, "factor": 0.8, "wall": 40, "main": 4.5, "compile": 9,
        "wait": 0.5, "writer": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    "fields",
    [
        {"seconds": {"A": "much"}},
        {"seconds": [1, 2]},
        {"seconds": {"A": {"B": 1}}},
        {"encode": 3},
        {"compile": {"A": True}},
        {"skipped": "A"},
        {"skipped": {"A": 1}},
        {"wall": [1]},
        {"factor": "large"},
        {"budget": {}},
        {"wait": 10**400},
    ],
)
def test_a_record_that_makes_no_sense_is_left_out_whole(board, tmp_path, fields):
    with contextlib.closing(Writer(tmp_path / RUN)) as writer:
        writer.append(cost(0, seconds={"A": 1}, wall=10))
        writer.append(cost(1, **{"seconds": {"A": 5}, "wall": 7} | fields))
        writer.append(cost(2, seconds={"A": 1}, wall=10))
    one = board(tmp_path)
    (only,) = one.ask("costs", run=RUN)["segments"]
    assert (only["main"], only["wall"], only["methods"]["A"]["snapshots"]) == (2, 20, 2)
    assert one.ask("index", run=RUN)["segments"][0]["damaged"] == 1
    assert one.ask("scalars", run=RUN)["cost"]["main"] == [1, None, 1]


def test_what_is_not_finite_or_odd_is_answered_as_json(board, tmp_path):
    with contextlib.closing(Writer(tmp_path / RUN)) as writer:
        writer.append(cost(0, seconds={"<b>": float("nan"), "": 1e308}, wall=float("inf")))
        writer.append(cost(1, seconds={"": 1e308}, wait=None, skipped=[None, {"A": 1}, "<b>"],
                           factor=float("nan")))  # fmt: skip
    text = board(tmp_path).get("costs", run=RUN).get_data(as_text=True)

    def refuse(constant):
        raise AssertionError(constant)

    (only,) = json.loads(text, parse_constant=refuse)["segments"]
    assert only["methods"]["<b>"] == {
        "main": 0, "compile": 0, "encode": 0, "snapshots": 1, "skipped": 1
    }  # fmt: skip
    assert (only["main"], only["wall"], only["factor"]) == ("Infinity", 0, None)


def test_sums_grow_with_the_run_and_need_it(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    writer.append(cost(0, seconds={"A": 1}))
    writer.flush()
    segment = open_reader(tmp_path / RUN).segments[0]
    assert segment.costs.main == 1
    writer.append(cost(1, seconds={"A": 1}))
    writer.close()
    segment.refresh()
    assert (segment.costs.main, segment.costs.methods["A"].snapshots) == (2, 2)
    one = board(tmp_path)
    one.refuse(404, "costs", run="nowhere")
    one.refuse(400, "costs")
