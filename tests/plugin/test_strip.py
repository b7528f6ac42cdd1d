from __future__ import annotations

import io

import numpy as np
import pytest
from made_stores import LAYERS, Run, dead_channels
from PIL import Image

from tbviz.images.sheet import decode, encode_gray, split
from tbviz.plugin import strip as strip_module
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

RUN = "photographs"


def test_a_strip_is_cropped_from_the_sheets(board, logs):
    response = board(logs).get(
        "strip", run=RUN, kind="activations", layer="conv1", image=2, tiles="5,0,2",
        positions="3-9",
    )  # fmt: skip
    assert response.status_code == 200
    assert response.headers["Content-Type"] == "image/png"
    assert response.headers["Cache-Control"] == "no-cache"
    assert response.headers["X-Tbviz-Positions"] == "3,4,5,6,7,8,9"
    strip = decode(response.get_data())
    assert strip.pixels.shape == (3 * 32, 7 * 32)
    frames = split(strip.pixels, (32, 32), 21).reshape(3, 7, 32, 32)
    spans = strip.ranges.reshape(3, 7, 2)
    run = open_reader(logs / RUN)
    for column, position in enumerate(range(3, 10)):
        sheet = decode(run.picture("activations", "conv1", position, 2))
        tiles = split(sheet.pixels, (32, 32), 16)
        for row, tile in enumerate((5, 0, 2)):
            np.testing.assert_array_equal(frames[row, column], tiles[tile])
            np.testing.assert_array_equal(spans[row, column], sheet.ranges[tile])
    assert 2 in dead_channels(LAYERS[0], 0)
    assert (frames[2] == 0).all()
    assert (spans[2] == 0).all()


def test_positions_one_by_one(board, logs):
    one = board(logs)
    asked = {"run": RUN, "kind": "activations", "layer": "conv1", "image": 2, "tiles": 5}
    response = one.get("strip", positions="9,1,4,40", **asked)
    assert response.headers["X-Tbviz-Positions"] == "1,4,9"
    some, all_ = (
        decode(response.get_data()),
        decode(one.get("strip", positions="0-11", **asked).data),
    )
    frames = [all_.pixels[:, 32 * position : 32 * position + 32] for position in (1, 4, 9)]
    np.testing.assert_array_equal(some.pixels, np.concatenate(frames, axis=1))
    np.testing.assert_array_equal(some.ranges, all_.ranges[[1, 4, 9]])


def test_color_strips_have_no_ranges(board, logs):
    response = board(logs).get(
        "strip", run=RUN, kind="maximization", layer="conv1", tiles="7", positions="0-511"
    )
    assert response.headers["X-Tbviz-Positions"] == ",".join(map(str, range(12)))
    strip = decode(response.get_data())
    assert strip.pixels.shape == (24, 12 * 24, 3)
    assert strip.ranges is None
    image = Image.open(io.BytesIO(response.get_data()))
    assert not {"gamma", "srgb", "icc_profile"} & set(image.info)


@pytest.mark.parametrize(
    ("code", "changed"),
    [
        (400, {"tiles": ",".join(["1"] * 65)}),
        (400, {"tiles": ""}),
        (400, {"tiles": "a"}),
        (400, {"tiles": "-1"}),
        (400, {"positions": "0-512"}),
        (400, {"positions": "5-3"}),
        (400, {"positions": "all"}),
        (400, {"positions": "1,2-3"}),
        (400, {"positions": ",".join(["1"] * 513)}),
        (404, {"positions": "12,20"}),
        (404, {"positions": "12-20"}),
        (404, {"tiles": "16"}),
        (404, {"image": 4}),
        (404, {"layer": "nowhere"}),
        (404, {"kind": "cam"}),
    ],
)
def test_what_cannot_be_drawn_is_said(board, logs, code, changed):
    asked = {"kind": "activations", "layer": "conv1", "image": 0, "tiles": 0, "positions": "0-3"}
    assert "expected" in board(logs).refuse(code, "strip", run=RUN, **(asked | changed))


def test_a_strip_has_a_limit(board, logs, monkeypatch):
    monkeypatch.setattr(strip_module, "MAX_PIXELS", 32 * 32 * 3)
    asked = {"run": RUN, "kind": "activations", "layer": "conv1", "tiles": 0}
    one = board(logs)
    assert one.get("strip", positions="0-2", **asked).status_code == 200
    assert "ask for fewer" in one.refuse(400, "strip", positions="0-3", **asked)


def test_positions_of_another_tile_size_or_damaged_are_left_out(board, tmp_path):
    writer = Writer(tmp_path / RUN)
    sizes = {0: (4, 4), 1: (3, 3), 2: (3, 3), 3: (3, 3), 4: (3, 3)}
    for epoch, size in sizes.items():
        layout = writer.layout({
            "picture": "cam", "layer": "c", "media": "gray8", "tile": list(size), "tiles": 2,
            "columns": 2, "images": 1,
        })  # fmt: skip
        sheet = encode_gray(np.full((2, *size), epoch, np.float32))
        png = b"no picture" if epoch == 2 else sheet.png
        writer.append(
            {"kind": "cam", "epoch": epoch, "layer": "c", "layout": layout, "media": "gray8"},
            [png],
            [sheet.summary],
        )
    writer.close()
    run = open_reader(tmp_path / RUN)
    pack = bytearray(writer.path.read_bytes())
    pack[run.find("cam", "c", 3).offset + 60] ^= 1
    writer.path.write_bytes(pack)
    asked = {"run": RUN, "kind": "cam", "layer": "c", "tiles": "1"}
    one = board(tmp_path)
    response = one.get("strip", positions="0-4", **asked)
    assert response.headers["X-Tbviz-Positions"] == "1,4"
    assert decode(response.get_data()).ranges.tolist() == [[1, 1], [4, 4]]
    assert "can be read" in one.refuse(410, "strip", positions="2-3", **asked)


def test_a_strip_of_a_live_run_grows(board, tmp_path, monkeypatch):
    monkeypatch.setattr("tbviz.plugin.runs._REFRESH", 0.0)
    run = Run(tmp_path / RUN, LAYERS[:1], images=1)
    run.add()
    one = board(tmp_path)
    asked = {"run": RUN, "kind": "activations", "layer": "conv1", "tiles": 0, "positions": "0-99"}
    assert one.get("strip", **asked).headers["X-Tbviz-Positions"] == "0"
    run.add()
    assert one.get("strip", **asked).headers["X-Tbviz-Positions"] == "0,1"
    run.writer.close()
