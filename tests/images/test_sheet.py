from __future__ import annotations

import io
import json
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from tbviz.images.ranges import dequantize, quantize_tiles, summary
from tbviz.images.sheet import arrange, decode, encode_gray, encode_rgb, split

TILES = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)


def chunks(png: bytes) -> list[tuple[bytes, bytes]]:
    """The chunks of a PNG, read by hand, their CRCs checked."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    found, offset = [], 8
    while offset < len(png):
        (length,) = struct.unpack_from(">I", png, offset)
        name, body = png[offset + 4 : offset + 8], png[offset + 8 : offset + 8 + length]
        (crc,) = struct.unpack_from(">I", png, offset + 8 + length)
        assert crc == zlib.crc32(name + body)
        found.append((name, body))
        offset += 12 + length
    return found


def test_tiles_lie_row_by_row_and_empty_cells_are_0():
    tiles = np.arange(1, 4, dtype=np.uint8).reshape(3, 1, 1) * np.ones((1, 1, 2), np.uint8)
    assert arrange(tiles, 2).tolist() == [[1, 1, 2, 2], [3, 3, 0, 0]]


def test_fewer_tiles_than_columns_make_a_narrower_sheet():
    assert arrange(np.zeros((3, 2, 5), np.uint8), 16).shape == (2, 15)


@given(
    st.integers(1, 9),
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 12),
    st.sampled_from([(), (3,)]),
)
def test_split_is_the_inverse_of_arrange(count, height, width, columns, channels):
    shape = (count, height, width, *channels)
    tiles = np.random.default_rng(count).integers(0, 256, shape, np.uint8)
    assert np.array_equal(split(arrange(tiles, columns), (height, width), count), tiles)


def test_a_gray_sheet_comes_back_with_its_ranges_and_text():
    sheet = encode_gray(TILES, columns=2, text={"note": "grün"})
    decoded = decode(sheet.png)
    levels, lo, hi = quantize_tiles(TILES)
    assert decoded.pixels.shape == (9, 8)
    assert np.array_equal(split(decoded.pixels, (3, 4), 5), levels)
    assert decoded.ranges.dtype == np.float32
    assert np.array_equal(decoded.ranges, np.stack([lo, hi], 1))
    assert decoded.text == {"note": "grün"}
    assert sheet.summary == summary(TILES)
    values = dequantize(split(decoded.pixels, (3, 4), 5), *decoded.ranges.T)
    assert np.abs(values - TILES).max() <= 0.5001 * (hi - lo).max() / 252


def test_an_rgb_sheet_comes_back():
    tiles = np.random.default_rng(1).integers(0, 256, (3, 4, 5, 3), np.uint8)
    sheet = encode_rgb(tiles, columns=2)
    decoded = decode(sheet.png)
    assert np.array_equal(split(decoded.pixels, (4, 5), 3), tiles)
    assert decoded.ranges is None
    assert decoded.text is None
    assert sheet.summary is None


def test_private_chunks_stand_before_the_pixels_and_no_color_space_is_named():
    gray = chunks(encode_gray(TILES, text={"a": 1}).png)
    assert [name for name, _ in gray] == [b"IHDR", b"tvRG", b"tvTX", b"IDAT", b"IEND"]
    rgb = chunks(encode_rgb(np.zeros((1, 2, 2, 3), np.uint8)).png)
    assert [name for name, _ in rgb] == [b"IHDR", b"IDAT", b"IEND"]
    # Width, height, 8 bits, gray, deflate, five filters, not interlaced.
    assert gray[0][1] == struct.pack(">IIBBBBB", 20, 3, 8, 0, 0, 0, 0)
    assert rgb[0][1] == struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)


def test_ranges_are_little_endian_float32_tile_by_tile():
    tiles = np.array([[[1.0, 2.0]], [[np.nan, np.nan]], [[0.5, 0.5]]])
    body = dict(chunks(encode_gray(tiles).png))[b"tvRG"]
    numbers = struct.unpack("<6f", body)
    assert numbers[:2] == (1.0, 2.0)
    assert np.isnan(numbers[2:4]).all()
    assert numbers[4:] == (0.5, 0.5)


def test_text_is_strict_json_whatever_it_is_made_of():
    text = {
        "scores": np.array([1.5, np.nan]),
        "best": np.float32(np.inf),
        "tiles": ({"score": -float("inf"), "class": np.int64(3), "ok": True, "none": None},),
        7: "x",
    }
    body = dict(chunks(encode_gray(TILES, text=text).png))[b"tvTX"]
    expected = {
        "scores": [1.5, "NaN"],
        "best": "Infinity",
        "tiles": [{"score": "-Infinity", "class": 3, "ok": True, "none": None}],
        "7": "x",
    }

    def refuse(constant):
        raise AssertionError(constant)

    assert json.loads(body.decode(), parse_constant=refuse) == expected


def test_nothing_finite_has_a_summary_of_nan():
    assert np.isnan(encode_gray(np.full((2, 3, 3), np.nan)).summary).all()


def test_a_nonfinite_tile_is_drawn_as_such():
    tiles = TILES.copy()
    tiles[1, 0, :3] = [np.nan, np.inf, -np.inf]
    levels = split(decode(encode_gray(tiles).png).pixels, (3, 4), 5)
    assert levels[1, 0, :3].tolist() == [255, 254, 253]
    assert levels[[0, 2, 3, 4]].max() <= 252


def test_wrong_input_is_refused():
    with pytest.raises(ValueError, match=r"\(0, 2, 2\).*at least one tile"):
        encode_gray(np.zeros((0, 2, 2)))
    with pytest.raises(ValueError, match="0 columns"):
        encode_gray(TILES, columns=0)
    with pytest.raises(ValueError, match=r"\(2, 2\)"):
        encode_gray(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="float64"):
        encode_rgb(np.zeros((1, 2, 2, 3)))
    with pytest.raises(ValueError, match=r"\(1, 2, 2, 4\)"):
        encode_rgb(np.zeros((1, 2, 2, 4), np.uint8))
    for tile, count in [((2, 2), 1), ((3, 4), 3), ((3, 4), 0), ((0, 4), 1)]:
        with pytest.raises(ValueError, match="do not fit"):
            split(np.zeros((3, 8), np.uint8), tile, count)


def test_what_is_no_sheet_is_refused():
    png = encode_gray(np.random.default_rng(0).normal(size=(4, 30, 30))).png
    for damaged in (b"", b"GIF89a", png[:20], png[:-200], png[:8] + b"\0" * 40):
        with pytest.raises(ValueError, match="are not a sheet"):
            decode(damaged)
    file = io.BytesIO()
    Image.new("P", (2, 2)).save(file, "PNG")
    with pytest.raises(ValueError, match="mode P"):
        decode(file.getvalue())
