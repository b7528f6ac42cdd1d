from __future__ import annotations

import json
import math
import shutil
import sys
import tracemalloc

import pytest
import stores
from made_stores import LAYERS, Run, make_run

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError, UnknownWriterError
from tbviz.store.format.schema import HEALTH_NUMBERS, FitPosition
from tbviz.store.format.six_digits import nearest
from tbviz.store.read.health_columns import MISSING
from tbviz.store.read.reader import Reader, open_reader
from tbviz.store.write.writer import Writer


def test_a_pack_made_by_hand_is_read(tmp_path):
    import zlib

    directory = store_directory(tmp_path)
    directory.mkdir(parents=True)
    row = f"[3,{zlib.crc32(b'abc')}]"
    pack = b"".join([
        stores.record(b'{"kind":"writer","time":1.0,"format":2,"uid":"00000000000000aa"}'),
        stores.record(b'{"kind":"layout","time":1.5,"id":"0000000a","picture":"maximization"}'),
        stores.record(b'{"kind":"from the future","time":2.0,"x":[1]}'),
        stores.record(
            b'{"kind":"maximization","time":3.0,"epoch":7,"layer":"a/b","layout":"0000000a",'
            b'"media":"rgb8","bytes":3,"sheets":[' + row.encode() + b"]}",
            b"abc",
        ),
        stores.record(b'{"kind":"metrics","time":4.0,"epoch":7,"values":{"loss":"Infinity"}}'),
    ])  # fmt: skip
    (directory / "000001-00000000000000aa.pack").write_bytes(pack)
    run = open_reader(tmp_path)
    (segment,) = run.segments
    assert run.positions == [(1, FitPosition(7))]
    assert run.series() == [("maximization", "a/b")]
    assert run.picture("maximization", "a/b", 0) == b"abc"
    assert segment.metrics["loss"].span(0, 1) == [float("inf")]
    assert (segment.damaged, segment.consumed, segment.last) == (0, len(pack), 4.0)


@pytest.mark.parametrize("segments", [1, 3])
def test_thirty_positions_are_thirty(tmp_path, segments):
    make_run(tmp_path, positions=30, layers=LAYERS[:1], images=1, segments=segments)
    run = open_reader(tmp_path)
    assert len(run) == len(run.positions) == 30
    (_, _, first), *_ = run.columns("activations", "conv1")
    assert sum(c.positions.total for _, _, c in run.columns("activations", "conv1")) == 30
    assert list(first.positions) == [(0, 30 // segments)]
    pictures = {run.picture("activations", "conv1", position) for position in range(30)}
    # Each later segment repeats the last epoch of the one before it, to the byte.
    assert len(pictures) == 30 - (segments - 1)


def test_positions_are_in_writing_order_over_segments(tmp_path):
    for epochs in ((0, 1, 2), (2, 3)):
        writer = Writer(tmp_path)
        for epoch in epochs:
            writer.append({"kind": "metrics", **FitPosition(epoch, 5).fields(), "values": {}})
            writer.append({"kind": "metrics", **FitPosition(epoch).fields(), "values": {}})
            writer.append({"kind": "cost", **FitPosition(epoch).fields(), "wall": 1.0})
        writer.append({"kind": "metrics", **FitPosition(epoch, final=True).fields(), "values": {}})
        writer.close()
    run = open_reader(tmp_path)
    assert run.positions == [
        (1, FitPosition(0, 5)), (1, FitPosition(0)), (1, FitPosition(1, 5)), (1, FitPosition(1)),
        (1, FitPosition(2, 5)), (1, FitPosition(2)), (1, FitPosition(2, None, final=True)),
        (2, FitPosition(2, 5)), (2, FitPosition(2)), (2, FitPosition(3, 5)), (2, FitPosition(3)),
        (2, FitPosition(3, None, final=True)),
    ]  # fmt: skip
    assert run.location(6) == (run.segments[0], 6)
    assert run.location(7) == (run.segments[1], 0)
    for outside in (-1, 12):
        with pytest.raises(StoreError, match="expected 0 to 11"):
            run.location(outside)


def test_a_reader_follows_a_writer(tmp_path):
    reader = Reader(store_directory(tmp_path))
    assert not reader.refresh()
    writer = Writer(tmp_path)
    for epoch in range(5):
        stores.append(writer, epoch)
        assert not reader.refresh()
        writer.flush()
        assert reader.refresh()
        assert len(reader) == epoch + 1
        assert reader.picture("activations", "conv", epoch, 1) == stores.sheets(epoch)[1]
    writer.close()
    assert not reader.refresh()


def test_every_kind_of_a_full_run(tmp_path):
    make_run(tmp_path, positions=9, images=2)
    run = open_reader(tmp_path)
    (segment,) = run.segments
    assert segment.damaged == 0
    assert len(run.series()) == 7 + 4 + 1
    assert segment.begin["epochs"] == 9
    assert segment.finish["status"] == "finished"
    (model,) = segment.models
    tree = json.loads(run.read(model.sheets[0]))
    assert [node["path"] for node in tree["nodes"]][:4] == [
        "conv1",
        "pool1",
        "backbone",
        "backbone/block1",
    ]
    (probe,) = segment.probes
    assert [run.read(sheet)[:4] for sheet in probe.sheets] == [b"\x89PNG"] * 2
    assert [entry.position for entry in segment.notices] == [None, 3]
    dead, change = (HEALTH_NUMBERS.index(name) for name in ("dead", "output_change"))
    numbers = segment.health.numbers("conv1", 0, 9)
    assert numbers[:, dead].tolist() == [1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert numbers[:2, change].tolist() == [MISSING, 0.5]
    assert segment.health.channels["head/conv4"] == 64
    assert segment.cost["main"].span(8, 9) == [0.05]
    assert segment.metrics["loss"].span(8, 10)[1] is None
    assert len(json.loads(segment.predictions[8])) == 2
    assert segment.latest == {"health": 8, "metrics": 8, "predictions": 8}
    _, _, columns = run.columns("activations", "backbone/block1/bn")[0]
    low, high = columns.range
    assert low == min(filter(math.isfinite, nearest(columns.table()["lo"])))
    assert high == max(filter(math.isfinite, nearest(columns.table()["hi"])))
    assert columns.percentiles[0] >= low
    assert columns.percentiles[1] <= high


def test_sheets_are_read_only_if_their_crc_matches(tmp_path):
    stores.write(tmp_path)
    run = open_reader(tmp_path)
    sheet = run.find("activations", "conv", 2, 1)
    assert run.read(sheet) == stores.sheets(2)[1]
    for wrong in (
        sheet._replace(crc=sheet.crc ^ 1),
        sheet._replace(offset=sheet.offset + 1),
        sheet._replace(length=sheet.length - 1),
        sheet._replace(length=1 << 30),
        sheet._replace(offset=1 << 60),
        sheet._replace(length=1 << 62),
    ):
        with pytest.raises(DamagedError):
            run.read(wrong)
        assert run.sheets([wrong, sheet, wrong]) == [None, stores.sheets(2)[1], None]
    with pytest.raises(UnknownWriterError):
        run.read(sheet._replace(writer="0" * 16))
    assert run.sheets([sheet._replace(writer="0" * 16)]) == [None]
    shutil.rmtree(tmp_path / "plugins")
    with pytest.raises(DamagedError, match="could not be read"):
        run.read(sheet)
    assert run.sheets([sheet]) == [None]


def test_a_picture_that_was_not_logged_is_an_error(tmp_path):
    stores.write(tmp_path)
    run = open_reader(tmp_path)
    for kind, layer, position, image in (
        ("cam", "conv", 0, 0),
        ("activations", "conv2", 0, 0),
        ("activations", "conv", 4, 0),
        ("activations", "conv", 0, 2),
        ("activations", "conv", 0, -1),
    ):
        with pytest.raises(StoreError, match="received"):
            run.picture(kind, layer, position, image)
    with pytest.raises(StoreError, match="expected one logged"):
        run.columns("cam", "conv")


def test_records_with_invalid_fields_are_counted_and_skipped(tmp_path):
    writer = Writer(tmp_path)
    stores.append(writer, 0)
    layout = writer.layout(stores.LAYOUT)
    picture = {"kind": "activations", "layer": "conv", "layout": layout, "media": "gray8"}
    rows = [(0, 1, 0, 1)] * 2
    nonsense = [
        ({"kind": "metrics", "epoch": 1 << 70, "values": {}},),
        ({"kind": "metrics", "values": {}},),
        ({"kind": "metrics", "epoch": 1},),
        ({"kind": "metrics", "epoch": 1, "values": {"loss": "much"}},),
        ({"kind": "metrics", "epoch": 1, "values": [1]},),
        ({"kind": "metrics", "time": "now"},),
        ({"kind": "health", "epoch": 1, "layers": {"conv": 3}},),
        ({"kind": "predictions", "epoch": 1, "images": 3},),
        ({"kind": "fit"},),
        ({"kind": "layout", "id": 3},),
        ({"kind": "probe", "images": []}, ),
        ({**picture, "epoch": 2, "layout": "ffffffff"}, [b"a", b"b"], rows),
        ({**picture, "epoch": 2, "layer": 3}, [b"a", b"b"], rows),
        ({**picture, "epoch": 2}, [b"a"], rows[:1]),
        ({**picture, "epoch": 0}, [b"a", b"b"], rows),
        ({**picture, "epoch": 2, "media": "rgb8"}, [b"a", b"b"]),
    ]  # fmt: skip
    for record in nonsense:
        writer.append(*record)
    stores.append(writer, 3)
    writer.close()
    run = open_reader(tmp_path)
    (segment,) = run.segments
    # A probe without images is odd, not wrong.
    assert segment.damaged == len(nonsense) - 1
    assert next(iter(run.columns("activations", "conv")[0][2].positions))[0] == 0
    assert run.picture("activations", "conv", len(run) - 1, 1) == stores.sheets(3)[1]
    columns = segment.series["activations", "conv"]
    assert len(columns) == len(columns.offsets()) == len(columns.table()) == 4


def test_two_writers_at_once_are_two_segments(tmp_path):
    first, second = Writer(tmp_path), Writer(tmp_path)
    for epoch in range(3):
        for writer in (first, second):
            stores.append(writer, epoch)
            writer.flush()
    first.close()
    second.close()
    run = open_reader(tmp_path)
    assert [segment.uid for segment in run.segments] == [first.uid, second.uid]
    assert [number for number, _ in run.positions] == [1, 1, 1, 2, 2, 2]


def test_a_run_takes_less_than_sixty_bytes_per_image(tmp_path):
    run = Run(tmp_path, LAYERS[:1], images=1)
    writer = run.writer
    layout = writer.layout({**stores.LAYOUT, "images": 4})
    images = 0
    for epoch in range(500):
        for layer in range(10):
            writer.append(
                {"kind": "activations", "epoch": epoch, "layer": f"layer{layer}",
                 "layout": layout, "media": "gray8"},
                [b"x" * 10] * 4,
                [(0.0, 1.0 + epoch, 0.5, 0.7)] * 4,
            )  # fmt: skip
            images += 4
    writer.close()
    open_reader(tmp_path)  # what is loaded once
    tracemalloc.start()
    reader = open_reader(tmp_path)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(reader) == 500
    assert held / images < 60 + sys.getsizeof({}) * 100 / images


def test_the_example_in_open_run(tmp_path, monkeypatch):
    make_run(tmp_path / "logs", positions=4, layers=LAYERS[:1], images=1)
    monkeypatch.chdir(tmp_path)
    run = open_reader("logs")
    assert run.picture("activations", "conv1", position=3, image=0).startswith(b"\x89PNG")
