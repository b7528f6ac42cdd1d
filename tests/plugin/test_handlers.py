"""Scalars, health, channels and predictions: one value a position."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
from made_stores import LAYERS, TABLE

from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

RUN = "photographs"
GOLDEN = Path(__file__).parents[1] / "golden"


def test_scalars_from_the_store(board, logs):
    one, run = board(logs), open_reader(logs / RUN)
    answer = one.ask("scalars", run=RUN)
    assert (answer["source"], answer["since"], answer["positions"]) == ("store", 0, [[0, 12]])
    losses = [x for s in run.segments for x in s.metrics["loss"].span(0, len(s))]
    assert answer["tags"]["loss"] == losses
    assert set(answer["tags"]) == {"loss", "val_loss", "accuracy", "val_accuracy", "learning_rate"}
    assert answer["cost"]["main"] == [0.05] * 12
    assert answer["cost"]["epoch"] == [3.0] * 12
    later = one.ask("scalars", run=RUN, since=10)
    assert (later["since"], later["positions"]) == (10, [[10, 2]])
    assert later["tags"]["loss"] == losses[10:]
    beyond = one.ask("scalars", run=RUN, since=99)
    assert (beyond["since"], beyond["positions"], beyond["tags"]["loss"]) == (12, [], [])


def test_not_a_number_reaches_the_browser_as_json(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch, loss in enumerate([1.0, float("nan"), float("inf"), -float("inf")]):
        writer.append({"kind": "metrics", "epoch": epoch, "values": {"loss": loss}})
    writer.append({"kind": "metrics", "epoch": 4, "values": {"other": 1}})
    writer.close()
    text = board(tmp_path).get("scalars", run=RUN).get_data(as_text=True)

    def refuse(constant):
        raise AssertionError(constant)

    answer = json.loads(text, parse_constant=refuse)
    assert answer["tags"]["loss"] == [1.0, "NaN", "Infinity", "-Infinity", None]


def test_health_and_channels(board, logs):
    one = board(logs)
    answer = one.ask("health", run=RUN, since=9)
    assert (answer["since"], answer["positions"]) == (9, [[9, 3]])
    assert answer["layers"] == [layer.path for layer in LAYERS]
    assert answer["channels"] == [layer.channels for layer in LAYERS]
    assert answer["numbers"]["dead"][0] == [2, 2, 2]  # of epochs 5, 6 and 6
    assert all(len(row) == 3 for rows in answer["numbers"].values() for row in rows)
    first = one.ask("health", run=RUN)["numbers"]
    assert first["dead"][0] == [1, 1, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]
    assert first["output_change"][0][0] is None
    table = one.ask("channels", run=RUN, layer="conv1", position=8)
    assert table["position"] == 8
    assert list(table["columns"]) == TABLE
    assert len(table["columns"]["std"]) == 16
    assert table["columns"]["std"][2] == 0  # the dead channel
    assert one.ask("channels", run=RUN, layer="conv1", position=99)["position"] == 11
    one.refuse(404, "channels", run=RUN, layer="nowhere", position=3)
    one.refuse(400, "channels", run=RUN, layer="conv1")


def test_health_by_pieces(board, logs):
    one = board(logs)
    whole = one.ask("health", run=RUN)
    assert whole["names"] == list(whole["numbers"])
    some = one.ask("health", run=RUN, names="mean,of_next_year")
    assert some == {**whole, "numbers": {"mean": whole["numbers"]["mean"]}}
    layer = one.ask("health", run=RUN, layer="head/conv4")
    at = whole["layers"].index("head/conv4")
    del whole["advice"], some["advice"]
    assert layer == {
        **whole,
        "layers": ["head/conv4"],
        "channels": whole["channels"][at : at + 1],
        "numbers": {name: rows[at : at + 1] for name, rows in whole["numbers"].items()},
    }
    nothing = one.ask("health", run=RUN, layer="nowhere")
    assert (nothing["layers"], nothing["numbers"]["mean"]) == ([], [])
    outline = one.ask("health", run=RUN, names="mean", points=3)
    assert outline["positions"] == [[0, 1], [5, 1], [11, 1]]
    assert outline["numbers"]["mean"][0] == [whole["numbers"]["mean"][0][k] for k in (0, 5, 11)]
    assert "advice" not in outline
    assert one.ask("health", run=RUN, names="mean", points=99) == some
    later = one.ask("health", run=RUN, names="mean", points=2, since=6)
    assert (later["since"], later["positions"]) == (6, [[6, 1], [11, 1]])
    assert one.ask("health", run=RUN, points=0)["positions"] == []
    one.refuse(400, "health", run=RUN, points="-1")


def test_points_are_of_positions_that_have_health(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch in range(40):
        writer.append({"kind": "metrics", "epoch": epoch, "values": {"loss": 1.0}})
        if epoch % 10 == 3:
            numbers = {"conv": {"channels": 1, "mean": epoch}}
            writer.append({"kind": "health", "epoch": epoch, "layers": numbers})
    writer.close()
    answer = board(tmp_path).ask("health", run=RUN, points=3)
    assert answer["positions"] == [[3, 1], [13, 1], [33, 1]]
    assert answer["numbers"] == {"mean": [[3, 13, 33]]}
    assert answer["names"] == ["mean"]


def test_channels_are_those_of_the_last_record_at_or_before(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch in range(6):
        where = FitPosition(epoch).fields()
        writer.append({"kind": "metrics", **where, "values": {}})
        if epoch in {1, 4}:
            writer.append(
                {"kind": "health", **where, "media": "table", "columns": ["mean", "std"],
                 "rows": [2], "layers": {"conv": {"channels": 2, "mean": "NaN"}}},
                [struct.pack("<4f", epoch, 2, 3, float("nan"))],
            )  # fmt: skip
    writer.close()
    one = board(tmp_path)
    for position, record in ((1, 1), (2, 1), (3, 1), (4, 4), (5, 4)):
        assert one.ask("channels", run=RUN, layer="conv", position=position) == {
            "position": record,
            "columns": {"mean": [record, 2], "std": [3, "NaN"]},
        }
    one.refuse(404, "channels", run=RUN, layer="conv", position=0)
    numbers = one.ask("health", run=RUN)["numbers"]
    assert numbers["mean"] == [[None, "NaN", None, None, "NaN", None]]
    assert list(numbers) == ["mean"]


def health(writer, epoch, *advice):
    """A health record with advice, `layer rule text` each; no such field where there is none."""
    rows = [dict(zip(("layer", "rule", "text"), each.split(), strict=True)) for each in advice]
    meta = {"kind": "health", "epoch": epoch, "layers": {"conv": {"channels": 1}}}
    writer.append(meta | ({"advice": rows} if rows else {}))


def test_advice_is_reported_where_it_changes(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    health(writer, 0)
    health(writer, 1, "conv dead one", "conv duplicates two")
    health(writer, 2, "conv dead one")
    health(writer, 3, "conv dead more", "relu dead one")
    writer.append({"kind": "metrics", "epoch": 4, "values": {}})
    health(writer, 5, "relu dead one")
    health(writer, 6, "relu dead one", "conv dead one")
    writer.close()
    second = Writer(tmp_path / RUN)  # another fit
    health(second, 0, "relu dead one")
    health(second, 1, "relu dead one")
    second.close()
    one = board(tmp_path)
    assert one.ask("health", run=RUN)["advice"] == [
        [1, "conv", "dead", "one"],
        [1, "conv", "duplicates", "two"],
        [2, "conv", "duplicates", None],
        [3, "conv", "dead", "more"],
        [3, "relu", "dead", "one"],
        [5, "conv", "dead", None],
        [6, "conv", "dead", "one"],
        [7, "conv", "dead", None],
    ]
    later = one.ask("health", run=RUN, since=4)["advice"]
    assert later[:2] == [[4, "conv", "dead", "more"], [4, "relu", "dead", "one"]]
    assert later[2:] == [
        [5, "conv", "dead", None],
        [6, "conv", "dead", "one"],
        [7, "conv", "dead", None],
    ]
    assert one.ask("health", run=RUN, since=8)["advice"] == [[8, "relu", "dead", "one"]]
    assert one.ask("health", run=RUN, since=9)["advice"] == []


def test_advice_of_a_long_run_is_a_short_answer(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch in range(300):
        health(writer, epoch, "conv dead 14_of_32", "conv duplicates 3_of_32")
    writer.close()
    assert len(board(tmp_path).ask("health", run=RUN)["advice"]) == 2


@pytest.mark.parametrize("advice", [5, [5], [{"layer": "conv"}]])
def test_advice_that_makes_no_sense_is_left_out(board, tmp_path, advice):
    writer = Writer(tmp_path / RUN)
    health(writer, 0, "conv dead one")
    writer.append({"kind": "health", "epoch": 1, "layers": {}, "advice": advice})
    writer.close()
    assert board(tmp_path).ask("health", run=RUN)["advice"] == [[0, "conv", "dead", "one"]]
    assert open_reader(tmp_path / RUN).segments[0].damaged == 1


def test_numbers_that_a_store_does_not_have_are_left_out(board):
    answer = board(GOLDEN).ask("health", run="format-2")
    assert answer["advice"] == []
    for name in ("saturated", "duplicates", "nonfinite", "weight_norm", "weight_update"):
        assert name not in answer["numbers"]
        assert name not in answer["names"]
    assert answer["numbers"]["mean"][0][0] is not None


def test_predictions(board, logs):
    one = board(logs)
    answer = one.ask("predictions", run=RUN, since=10)
    assert (answer["since"], answer["positions"]) == (10, [[10, 2]])
    assert answer["scale"] == "probability"
    assert len(answer["images"]) == 4
    for image in answer["images"]:
        assert len(image) == 2
        for ranked in image:
            shares = [share for _, share in ranked]
            assert shares == sorted(shares, reverse=True)
            assert sum(shares) == pytest.approx(1, abs=1e-3)


def test_predictions_have_null_where_there_are_none(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch, images in enumerate(([[[1, 0.5]]], None, [[[2, 0.4]], [[0, 0.3]]])):
        writer.append({"kind": "metrics", "epoch": epoch, "values": {}})
        if images is not None:
            meta = {"kind": "predictions", "epoch": epoch, "images": images, "scale": "score"}
            writer.append(meta)
    writer.close()
    answer = board(tmp_path).ask("predictions", run=RUN)
    assert answer["scale"] == "score"
    assert answer["images"] == [[[[1, 0.5]], None, [[2, 0.4]]], [None, None, [[0, 0.3]]]]


def test_an_image_without_a_prediction_has_null(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    for epoch, images in enumerate(([[], [[1, 0.5]]], [[[2, 0.4]], []])):
        meta = {"kind": "predictions", "epoch": epoch, "images": images, "scale": "score"}
        writer.append(meta)
    writer.close()
    answer = board(tmp_path).ask("predictions", run=RUN)
    assert answer["images"] == [[None, [[2, 0.4]]], [[[1, 0.5]], None]]
