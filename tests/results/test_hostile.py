"""Stores with damaged or forged content: a result or an error of tbviz, nothing else."""

from __future__ import annotations

import io
import struct
import tracemalloc
import zlib

import numpy as np
import pytest
from forged_stores import HONEST, LAYOUT, ForgedStore, paths_of, replaced
from made_stores import LAYERS, make_run
from PIL import Image
from results.reading import everything

import tbviz
from tbviz.images.sheet import encode_gray
from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError
from tbviz.store.read.reader import open_reader
from tbviz.store.write.writer import Writer

WRONG = [
    "1e400", "-1", "-0.0", "1.5", "4294967296", "9223372036854775808", "1" * 400, "1" * 5000,
    "true", "null", '""', '"NaN"', '"../../etc/passwd"', '"\\ud800"', '"a\\u0000b"', "[]", "{}",
    "[[]]", "[[[]]]", "[{}]", '[[1,"NaN"]]', '{"a":{}}', '["a","a"]', "[0,0]", "[1,null]",
    "[" * 98 + "]" * 98,
]  # fmt: skip


@pytest.mark.parametrize("kind", HONEST)
def test_any_value_in_any_field_of_a_meta(tmp_path, kind):
    meta, payload = HONEST[kind]
    # One store per field, since an early layout or probe decides how later records are read.
    for number, at in enumerate(paths_of(meta)):
        forged = ForgedStore(tmp_path / str(number))
        for text in WRONG:
            forged.add(replaced(meta, at, text), payload)
        forged.write()
        assert everything(tmp_path / str(number), pictures=False)["result"] >= 3


@pytest.mark.parametrize("field", sorted({*LAYOUT, "probes", "roles", "titles", "row_titles",
                                          "column_titles", "bars", "signed"}))  # fmt: skip
def test_any_value_in_any_field_of_a_layout(tmp_path, field):
    meta, payload = HONEST["activations"]
    forged = ForgedStore(tmp_path)
    for number, text in enumerate(WRONG):
        for kind in ("activations", "cam", "hypercolumns:colors"):
            layout = {**LAYOUT, "id": f"{number:08x}", "layer": f"{number}"}
            layout.setdefault(field, None)
            if field != "id":
                forged.add(replaced(layout, (field,), text))
            identifier = f"{number:08x}" if field != "id" else LAYOUT["id"]
            forged.add({**meta, "kind": kind, "layer": f"{number}", "layout": identifier}, payload)
    forged.write()
    needed = {"kind", "tile", "tiles"}  # without them there is no sheet
    assert everything(tmp_path)["result"] > (8 if field in needed else 50)


def png(width, height, *chunks):
    """Encode a PNG of any declared size; its pixels are zeros of one row."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data))
            + name
            + data
            + struct.pack(">I", zlib.crc32(data, zlib.crc32(name)))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    more = b"".join(chunk(name, data) for name, data in chunks)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(
        b"IDAT", zlib.compress(bytes(width + 1))
    ) + chunk(b"IEND", b"")  # fmt: skip


NUL = struct.pack("<2f", 0, 1)
FORGED = {
    "no bytes": b"",
    "no picture": b"GIF89a" + bytes(40),
    "too large": png(60_000, 60_000, (b"tvRG", NUL)),
    "cut off": encode_gray(np.ones((1, 2, 2), np.float32)).png[:-30],
    "without ranges": png(2, 1),
    "too few ranges": png(2, 2, (b"tvRG", b"")),
    "half a range": png(2, 2, (b"tvRG", b"123")),
    "text is no text": png(2, 2, (b"tvRG", NUL), (b"tvTX", b"\xff[")),
    "text is deep": png(2, 2, (b"tvRG", NUL), (b"tvTX", b"[" * 100_000)),
    "of another size": encode_gray(np.ones((1, 3, 3), np.float32)).png,
}


@pytest.mark.parametrize("name", FORGED)
def test_a_forged_sheet_is_an_error_that_names_it(tmp_path, name):
    writer = Writer(tmp_path)
    layout = writer.layout({"picture": "activations", "layer": "conv", "media": "gray8",
                            "tile": [2, 2], "tiles": 1, "columns": 1, "images": 1})  # fmt: skip
    meta = {"kind": "activations", "epoch": 0, "layer": "conv", "media": "gray8"}
    writer.append({**meta, "layout": layout}, [FORGED[name]], [(0, 1, 0, 1)])
    writer.close()
    run = tbviz.open_run(tmp_path)
    expected = r"'activations' of layer 'conv', epoch 0 of segment 1, image 0, cannot be read"
    with pytest.raises(DamagedError, match=expected):
        run.tiles("activations", "conv")
    with pytest.raises(DamagedError, match=r"tbviz inspect LOG_DIR --verify"):
        run.picture("activations", "conv")


@pytest.mark.parametrize("ends", [(np.nan, np.nan), (-np.inf, np.inf), (3e38, -3e38), (5, 1)])
def test_ranges_that_make_no_sense_are_drawn(tmp_path, ends):
    writer = Writer(tmp_path)
    for kind in ("activations", "cam", "saliency:gradients"):
        layout = writer.layout({"picture": kind, "layer": "", "media": "gray8", "tile": [2, 2],
                                "tiles": 1, "columns": 1, "images": 1, "signed": True})  # fmt: skip
        sheet = png(2, 2, (b"tvRG", struct.pack("<2f", *ends)))
        meta = {"kind": kind, "epoch": 0, "layer": "", "media": "gray8", "layout": layout}
        writer.append(meta, [sheet], [ends + ends])
    writer.close()
    run = tbviz.open_run(tmp_path)
    for kind in run.kinds():
        for bounds in ("run", "tile", "layer", "extremes"):
            assert run.picture(kind, bounds=bounds).mode == "RGB"


def test_every_bit_of_damage(tmp_path):
    make_run(tmp_path / "whole", 2, LAYERS[5:], images=1, every_kind=True)
    [pack] = store_directory(tmp_path / "whole").glob("*.pack")
    whole, index = pack.read_bytes(), pack.with_suffix(".jsonl").read_bytes()
    random = np.random.default_rng(0)
    for _ in range(12):
        damaged = bytearray(whole[: random.integers(len(whole) // 2, len(whole))])
        for at in random.integers(0, len(damaged), 40):
            damaged[at] ^= 255
        pack.write_bytes(damaged)
        pack.with_suffix(".jsonl").write_bytes(index[: random.integers(0, len(index))])
        assert everything(tmp_path / "whole")["result"] > 0


def test_a_damaged_photograph_is_an_error_that_names_it(tmp_path):
    make_run(tmp_path, 1, LAYERS[6:], images=2)
    run = open_reader(tmp_path)
    offset = run.segments[0].probes[0].sheets[1].offset
    [pack] = store_directory(tmp_path).glob("*.pack")
    data = bytearray(pack.read_bytes())
    data[offset + 60] ^= 255
    pack.write_bytes(data)
    run = tbviz.open_run(tmp_path)
    run.picture("cam", "head/conv4", image=0)
    for call in (lambda: run.picture("cam", "head/conv4", image=1), run.probe):
        with pytest.raises(DamagedError, match="the photograph of probe image 1 cannot be read"):
            call()


def test_a_map_that_is_far_finer_than_its_photograph_is_refused(tmp_path):
    make_run(tmp_path, 1, LAYERS[6:], images=1)
    writer = Writer(tmp_path)
    layout = writer.layout({"picture": "cam", "layer": "conv", "media": "gray8", "tiles": 1,
                            "tile": [1, 60_000], "columns": 1, "images": 1})  # fmt: skip
    sheet = encode_gray(np.zeros((1, 1, 60_000), np.float32))
    meta = {"kind": "cam", "epoch": 0, "layer": "conv", "media": "gray8", "layout": layout}
    writer.append(meta, [sheet.png], [sheet.summary])
    writer.close()
    run = tbviz.open_run(tmp_path)
    assert run.tiles("cam", "conv").shape == (1, 1, 60_000)
    with pytest.raises(tbviz.TbvizError, match=r"a picture of \d{10} pixels, expected at most"):
        run.picture("cam", "conv")


def test_predictions_of_very_many_classes_take_bounded_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tbviz.results.along._MAX_VALUES", 40)
    writer = Writer(tmp_path)
    for epoch in range(2):
        images = [[[index, 0.5] for index in range(50)]] * 5
        writer.append({"kind": "predictions", "epoch": epoch, "images": images})
    writer.close()
    predictions = tbviz.open_run(tmp_path).predictions()
    assert predictions.classes.tolist() == [[[0, 1, 2, 3]] * 5] * 2


def test_millions_of_tiles_in_a_small_file_take_bounded_memory(tmp_path):
    tracemalloc.start()
    side, columns = 4000, 4000
    writer = Writer(tmp_path)
    layout = writer.layout({"picture": "classes", "layer": "", "media": "rgb8", "tile": [1, 1],
                            "tiles": side * columns, "columns": columns, "images": 0,
                            "row_titles": ["a"]})  # fmt: skip
    black = io.BytesIO()
    Image.new("RGB", (columns, side)).save(black, "PNG")
    meta = {"kind": "classes", "epoch": 0, "layer": "", "media": "rgb8", "layout": layout}
    writer.append(meta, [black.getvalue()])
    writer.close()
    run = tbviz.open_run(tmp_path)
    with pytest.raises(tbviz.TbvizError, match="a picture of"):
        run.picture("classes")
    assert tracemalloc.get_traced_memory()[1] < 12 * side * columns
    tracemalloc.stop()


def test_tables_of_very_many_tiles_are_made_in_parts(tmp_path):
    writer = Writer(tmp_path)
    count = 20_000
    values = np.arange(count, dtype=np.float32).reshape(count, 1, 1)
    layout = writer.layout({"picture": "kernels", "layer": "conv", "media": "gray8", "images": 0,
                            "tile": [1, 1], "tiles": count, "columns": 200})  # fmt: skip
    sheet = encode_gray(values, 200)
    meta = {"kind": "kernels", "epoch": 0, "layer": "conv", "media": "gray8", "layout": layout}
    writer.append(meta, [sheet.png], [sheet.summary])
    writer.close()
    run = tbviz.open_run(tmp_path)
    tracemalloc.start()
    np.testing.assert_array_equal(run.tiles("kernels", "conv"), values)
    image = run.picture("kernels", "conv", size=1, bounds=(0, count - 1), colormap="gray")
    expected = np.floor(np.arange(200) / (count - 1) * 255 + 0.5)
    np.testing.assert_array_equal(np.asarray(image)[0, ::3, 0], expected)
    with pytest.raises(tbviz.TbvizError, match="received titles for 20000 tiles, expected at most"):
        run.picture("kernels", "conv", titles=True, size=1)
    # One table of 256 numbers per tile would be 40 MB.
    assert tracemalloc.get_traced_memory()[1] < 38 << 20
    tracemalloc.stop()
