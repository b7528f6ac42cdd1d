"""Kinds of pictures that the store does not know by name, and layers without one."""

from __future__ import annotations

import numpy as np
import pytest

from tbviz.images.sheet import decode, encode_gray, encode_rgb
from tbviz.store.format.schema import FitPosition
from tbviz.store.read import run_index
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

RUN = "run"
KINDS = ["overview", "saliency:smoothgrad", "kernels:colors", "kernels"]


@pytest.fixture(scope="module")
def logs(tmp_path_factory):
    """Two positions of a gray sheet a probe image, a color and a gray one of no image."""
    logdir = tmp_path_factory.mktemp("logs")
    writer = Writer(logdir / RUN)
    tiles = np.array([[[-1.0, 0], [0, 3]], [[0.5, 0], [0, 0]]], np.float32)
    for epoch in range(2):
        for kind in KINDS:
            sheets = [encode_gray(tiles * (1 + epoch + image), 2) for image in range(2)]
            if kind.startswith("kernels"):
                sheets = sheets[:1]
            pngs = [sheet.png for sheet in sheets]
            media, summaries = "gray8", [sheet.summary for sheet in sheets]
            if kind == "kernels:colors":
                pngs, media, summaries = (
                    [encode_rgb(np.full((2, 2, 2, 3), 9, np.uint8)).png],
                    "rgb8",
                    None,
                )
            layer = "conv" if kind.startswith("kernels") else ""
            layout = writer.layout({
                "picture": kind, "layer": layer, "media": media, "tile": [2, 2], "tiles": 2,
                "columns": 2, "images": 0 if len(pngs) == 1 else 2, "signed": media == "gray8",
                "column_titles": ["a", "b"], "title": "what it is",
            })  # fmt: skip
            location = FitPosition(epoch).fields()
            meta = {"kind": kind, **location, "layer": layer, "layout": layout, "media": media}
            writer.append(meta, pngs, summaries)
    writer.close()
    return logdir


def test_they_are_in_the_index(logs):
    answer = run_index.run_index(open_reader(logs / RUN))
    found = {(head["kind"], head["layer"]): head for head in answer["series"]}
    assert {key: head["images"] for key, head in found.items()} == {
        ("overview", ""): 2,
        ("saliency:smoothgrad", ""): 2,
        ("kernels:colors", "conv"): 0,
        ("kernels", "conv"): 0,
    }
    assert found["kernels", "conv"]["range"] == (-2, 6)
    assert "range" not in found["kernels:colors", "conv"]
    layout = answer["layouts"][found["overview", ""]["layout"]]
    assert (layout["column_titles"], layout["signed"]) == (["a", "b"], True)


@pytest.mark.parametrize("kind", KINDS)
def test_their_sheets_and_strips_are_given(board, logs, kind):
    one = board(logs)
    layer = "conv" if kind.startswith("kernels") else ""
    series = one.ask("series", run=RUN, kind=kind, layer=layer)
    assert series["images"] == (0 if layer else 2)
    assert series["positions"] == [[0, 2]]
    assert ("lo" in series) == (kind != "kernels:colors")
    sheet = one.get(
        "sheet", run=RUN, writer=series["writers"][0][0], offset=series["offset"][-1],
        length=series["length"][-1], crc=series["crc"][-1],
    )  # fmt: skip
    assert decode(sheet.get_data()).pixels.shape[:2] == (2, 4)
    strip = one.get("strip", run=RUN, kind=kind, layer=layer, tiles="1", positions="0-1")
    assert strip.headers["X-Tbviz-Positions"] == "0,1"
    assert decode(strip.get_data()).pixels.shape[:2] == (2, 4)


def test_the_layer_may_be_empty_and_must_be_there(board, logs):
    one = board(logs)
    assert "expected it as a query" in one.refuse(400, "series", run=RUN, kind="overview")
    one.refuse(404, "series", run=RUN, kind="overview", layer="conv")
    one.refuse(404, "series", run=RUN, kind="kernels", layer="")
