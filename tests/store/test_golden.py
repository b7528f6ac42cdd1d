"""A store of each version of the format is read for ever. The files are never written again."""

from __future__ import annotations

import json
from pathlib import Path

import small

from tbviz.images.sheet import decode
from tbviz.store import Position, heads, open_run

FORMAT_1 = Path(__file__).parents[1] / "golden" / "format-1"


def test_format_1_is_read():
    run = open_run(FORMAT_1)
    assert run.positions == [
        (1, Position(0)),
        (1, Position(1, 45)),
        (1, Position(1)),
        (1, Position(2, None, final=True)),
    ]
    (segment,) = run.segments
    assert segment.damaged == 0
    assert run.series() == [("activations", "conv"), ("maximization", "conv"), ("cam", "conv")]
    answer = heads.heads(run)
    assert answer["segments"][0]["status"] == "stopped"
    assert answer["segments"][0]["writer"] == "dc674a7fbcc9edbb"
    assert answer["latest"] == {"metrics": 3, "health": 3, "predictions": 3}
    activations, maximization, cam = answer["series"]
    assert (activations["images"], maximization["images"], cam["images"]) == (2, 0, 2)
    assert [x["positions"] for x in answer["series"]] == [[[0, 4]]] * 3
    assert activations["range"] == (0.0, 2.11973)
    for kind, media, shape in (
        ("activations", "gray8", (6, 24)),
        ("maximization", "rgb8", (48, 96, 3)),
        ("cam", "gray8", (7, 14)),
    ):
        sheet = decode(run.picture(kind, "conv", 3))
        assert sheet.pixels.shape == shape
        assert (sheet.ranges is None) == (media == "rgb8")
    assert [tile["role"] for tile in decode(run.picture("cam", "conv", 3, 1)).text["tiles"]] == [
        "predicted",
        "true",
    ]
    tree = json.loads(run.read(segment.models[0].sheets[0]))
    assert [node["path"] for node in tree["nodes"]] == ["conv", "memory", "scores"]


def test_format_1_is_read_without_its_index(tmp_path):
    with_index = open_run(FORMAT_1)
    directory = tmp_path / "plugins" / "tbviz"
    directory.mkdir(parents=True)
    (pack,) = (FORMAT_1 / "plugins" / "tbviz").glob("*.pack")
    (directory / pack.name).write_bytes(pack.read_bytes())
    without = open_run(tmp_path)
    assert heads.heads(without, 0.0) == heads.heads(with_index, 0.0)
    small.parse(pack.read_bytes())
