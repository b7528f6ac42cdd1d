"""Runs of another format are listed, say why they are not read, and hide nobody."""

from __future__ import annotations

import contextlib

import pytest
from foreign_stores import IDS, SAID, refused, write
from made_stores import make_run
from plugin.asking import Asker

from tbviz.plugin import runs as runs_module
from tbviz.store.write.writer import Writer


@pytest.mark.parametrize(("said", "what"), SAID, ids=IDS)
def test_a_run_of_another_format(board, tmp_path, said, what):
    pack = write(tmp_path / "old", said).path
    write(tmp_path / "new")
    one = board(tmp_path)
    listed = {row["run"]: row for row in one.ask("runs")["runs"]}
    old, new = listed["old"], listed["new"]
    assert (new["status"], new["positions"], new["segments"]) == ("finished", 2, 1)
    assert (old["status"], old["positions"], old["segments"]) == ("unreadable", 0, 1)
    assert old["bytes"] == pack.stat().st_size
    index = one.ask("index", run="old")
    [segment] = index["segments"]
    assert (segment["status"], segment["refused"]) == (
        "unreadable", f"segment 1 was {refused(what)}",
    )  # fmt: skip
    assert segment["format"] == (said if type(said) is int and said < 1 << 53 else None)
    assert (index["positions"], index["series"], index["layouts"]) == ([], [], {})
    assert one.ask("index", run="old", since=index["cursor"]).keys() == {"cursor", "now"}
    [segment] = one.ask("index", run="new")["segments"]
    assert (segment["format"], segment["refused"]) == (2, None)


def test_every_route_answers(board, tmp_path):
    write(tmp_path / "old", 9)
    one = board(tmp_path)
    assert one.ask("scalars", run="old")["tags"] == {}
    assert one.ask("health", run="old")["layers"] == []
    assert one.ask("predictions", run="old")["images"] == []
    assert one.ask("costs", run="old")["segments"][0]["methods"] == {}
    for number in ({}, {"segment": 1}):
        message = one.refuse(404, "model", run="old", **number)
        assert message.endswith(f"segment 1 was {refused('format 9')}")
    message = one.refuse(404, "channels", run="old", layer="conv", position=0)
    assert message.endswith(f"segment 1 was {refused('format 9')}")
    message = one.refuse(404, "series", run="old", kind="activations", layer="conv")
    assert message.endswith(f"segment 1 was {refused('format 9')}")


def test_bytes_of_such_a_segment_are_not_served(board, tmp_path):
    write(tmp_path / "run")
    one = board(tmp_path)
    columns = one.ask("series", run="run", kind="activations", layer="conv")
    write(tmp_path / "other", 9)
    again = board(tmp_path)
    writer = again.ask("index", run="other")["segments"][0]["writer"]
    asked = {"offset": columns["offset"][0], "length": 4, "crc": columns["crc"][0]}
    assert refused("format 9") in again.refuse(410, "sheet", run="other", writer=writer, **asked)


@pytest.mark.parametrize("order", ["first", "last", "between"])
def test_every_question_about_a_run_with_one(board, tmp_path, order):
    if order != "first":
        make_run(tmp_path / "run", 3, every_kind=True)
    write(tmp_path / "run", 9)
    if order != "last":
        make_run(tmp_path / "run", 3, every_kind=True)
    asker = Asker(board(tmp_path))
    asker.everything()
    assert asker.wrong == []


def test_advice_and_faults_end_where_a_segment_begins_that_is_read(board, tmp_path):
    with contextlib.closing(Writer(tmp_path / "run")) as writer:
        writer.append({
            "kind": "health", "epoch": 0, "layers": {"conv": {"nonfinite": 0.5, "nan": 0.5}},
            "advice": [{"layer": "conv", "rule": "dead", "text": "dead"}],
        })  # fmt: skip
    write(tmp_path / "run", 9)
    answer = board(tmp_path).ask("health", run="run")
    assert answer["advice"] == [[0, "conv", "dead", "dead"]]
    assert answer["not_finite"] == [[0, "conv", "NaN"]]


def test_one_segment_of_several(board, tmp_path, monkeypatch):
    monkeypatch.setattr(runs_module, "_REFRESH", 0.0)
    write(tmp_path / "run", 1)
    one = board(tmp_path)
    cursor = one.ask("index", run="run")["cursor"]
    make_run(tmp_path / "run", 3)
    news = one.ask("index", run="run", since=cursor)
    assert (news["reset"], news["positions"]) == (False, [[2, 0, 3]])
    first, second = one.ask("index", run="run")["segments"]
    assert (first["refused"], second["refused"]) == (f"segment 1 was {refused('format 1')}", None)
    assert one.ask("runs")["runs"][0]["status"] == "finished"
    assert one.ask("model", run="run")["segment"] == 2
