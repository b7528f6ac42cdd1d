"""`tbviz.open_run` returns the numbers that HTTP serves, of every route and kind."""

from __future__ import annotations

import io
import struct

import numpy as np
import pytest
from PIL import Image
from results.conftest import STORES

import tbviz


@pytest.fixture(params=STORES)
def name(request):
    return request.param


@pytest.fixture
def run(logs, name):
    return tbviz.open_run(logs / name)


@pytest.fixture
def ask(board, name):
    """Return the answer of a route about the same run."""
    return lambda route, **parameters: board.ask(route, run=name, **parameters)


def number(value):
    return np.nan if value is None else float(value)  # "NaN" and "Infinity" too


def each(runs):
    return [at for first, count in runs for at in range(first, first + count)]


def test_positions_and_segments(run, ask):
    index = ask("index")
    expected = []
    for segment, epoch, count, *more in index["positions"]:
        batch, final = (*more, *(None, False)[len(more) :])
        expected += [(segment, epoch + at, batch, final) for at in range(count)]
    found = [(p.segment, p.epoch, p.batch, p.final) for p in run.positions]
    assert found == expected
    assert len(found) > 0
    for mine, served in zip(run.segments, index["segments"], strict=True):
        fields = dict(vars(mine))
        assert fields.pop("number") == served["segment"]
        assert fields == {key: served[key] for key in fields}


def test_kinds_layers_and_where_they_were_captured(run, ask):
    index = ask("index")
    pairs = [(one["kind"], one["layer"]) for one in index["series"]]
    assert [(kind, layer) for kind, layer in pairs if layer in run.layers(kind)] == pairs
    assert run.kinds() == list(dict.fromkeys(kind for kind, _ in pairs))
    assert run.layers() == list(dict.fromkeys(layer for _, layer in pairs))
    captured = set()
    for one in index["series"]:
        where = each(one["positions"])
        assert list(run.snapshots(one["kind"], one["layer"])) == [run.positions[at] for at in where]
        captured.update(where)
    for route in ("health", "predictions"):
        answer = ask(route)
        rows = [row for rows in answer.get("numbers", {}).values() for row in rows]
        for row in [*rows, *answer.get("images", [])]:
            captured.update(at for at, value in enumerate(row) if value is not None)
    assert {at for at, one in enumerate(run.positions) if one.captured} == captured


def test_metrics(run, ask):
    served, metrics = ask("scalars")["tags"], run.metrics()
    assert list(metrics) == list(served)
    assert "loss" in metrics
    for name, values in served.items():
        assert metrics[name].dtype == np.float64
        np.testing.assert_array_equal(metrics[name], [number(value) for value in values])


def test_health(run, ask):
    served, health = ask("health"), run.health()
    assert list(health) == served["layers"]
    assert list(health.channels.values()) == served["channels"]
    assert list(health.names) == served["names"]
    where = [run.positions[at] for at in each(ask("health", points=999)["positions"])]
    assert list(health.positions) == where
    at = [list(run.positions).index(one) for one in where]
    for name, rows in served["numbers"].items():
        for layer, row in zip(served["layers"], rows, strict=True):
            assert health[layer][name].dtype == np.float64
            expected = np.array([number(value) for value in row])
            np.testing.assert_array_equal(health[layer][name], expected[at])
            assert np.isnan(np.delete(expected, at)).all()
    assert [list(row) for row in health.advice] == served["advice"]
    assert [list(row) for row in health.not_finite] == served.get("not_finite", [])


def test_numbers_per_channel(run, ask):
    health = run.health()
    assert len(health) > 0
    for layer in health:
        for at, position in enumerate(run.positions):
            served = ask("channels", layer=layer, position=at)
            columns = run.channels(layer, position, earlier=True)
            assert list(columns) == list(served["columns"])
            for name, values in served["columns"].items():
                np.testing.assert_array_equal(columns[name], [number(one) for one in values])
            if served["position"] == at:
                assert columns.keys() == run.channels(layer, at).keys()
            else:
                with pytest.raises(tbviz.TbvizError, match="earlier=True takes that of epoch"):
                    run.channels(layer, at)


def test_predictions(run, ask):
    served, predictions = ask("predictions"), run.predictions()
    assert predictions.scale == served["scale"]
    assert predictions.classes.shape[1] == len(served["images"])
    rows = {position: at for at, position in enumerate(predictions.positions)}
    for image, lists in enumerate(served["images"]):
        for position, ranked in zip(run.positions, lists, strict=True):
            if ranked is None:
                assert position not in rows
                continue
            classes = predictions.classes[rows[position], image]
            values = predictions.values[rows[position], image]
            found = list(zip(classes.tolist(), values.tolist(), strict=True))
            assert [list(one) for one in found[: len(ranked)]] == ranked
            assert (classes[len(ranked) :] == -1).all()
            assert np.isnan(values[len(ranked) :]).all()
    for probe in ask("index")["probes"]:
        labels = [-1 if one["label"] is None else one["label"] for one in probe["images"]]
        for position, at in rows.items():
            if position.segment == probe["segment"]:
                assert predictions.labels[at].tolist() == labels
        assert list(predictions.class_names) == probe["class_names"]


def chunk(png, name):
    """Return the content of a chunk of a PNG."""
    at = 8
    while True:
        (length,) = struct.unpack_from(">I", png, at)
        if png[at + 4 : at + 8] == name:
            return png[at + 8 : at + 8 + length]
        at += length + 12


def by_hand(png, layout):
    """Return the tiles of a sheet by the words of docs/format.md."""
    pixels = np.asarray(Image.open(io.BytesIO(png)))
    (height, width), columns = layout["tile"], layout["columns"]
    tiles = []
    for tile in range(layout["tiles"]):
        top, left = tile // columns * height, tile % columns * width
        cell = pixels[top : top + height, left : left + width]
        if pixels.ndim == 2:
            lo, hi = struct.unpack_from("<2f", chunk(png, b"tvRG"), 8 * tile)
            special = {253: -np.inf, 254: np.inf, 255: np.nan}
            value = [special.get(level, lo + (hi - lo) * level / 252) for level in range(256)]
            cell = np.array(value, np.float32)[cell]
        tiles.append(cell)
    return np.stack(tiles)


def test_the_tiles_of_every_sheet(run, ask, board, name):
    index, sheets = ask("index"), 0
    for one in index["series"]:
        kind, layer = one["kind"], one["layer"]
        series = ask("series", kind=kind, layer=layer)
        writers = [writer for writer, count in series["writers"] for _ in range(count)]
        layouts = [layout for layout, count in series["layouts"] for _ in range(count)]
        images = max(series["images"], 1)
        for record, at in enumerate(each(series["positions"])):
            layout = index["layouts"][layouts[record]]
            for image in range(images):
                number = record * images + image
                address = {key: series[key][number] for key in ("offset", "length", "crc")}
                png = board.get("sheet", run=name, writer=writers[record], **address).get_data()
                chosen = None if series["images"] == 0 else image
                tiles = run.tiles(kind, layer, at, chosen)
                np.testing.assert_array_equal(tiles, by_hand(png, layout))
                assert tiles.dtype == (np.float32 if one["media"] == "gray8" else np.uint8)
                sheets += 1
            sheet = run.sheet(kind, layer, run.positions[at])
            assert sheet.position == run.positions[at]
            assert sheet.layout == layout
            assert len(sheet.captions) == layout["tiles"]
    assert sheets == sum(one["count"] * max(one["images"], 1) for one in index["series"])


def test_the_probe_images(run, ask, board, name):
    for probe in ask("index")["probes"]:
        found = run.probe(probe["segment"])
        for image, (offset, length, crc) in enumerate(probe["sheets"]):
            address = {"offset": offset, "length": length, "crc": crc}
            png = board.get("sheet", run=name, writer=probe["writer"], **address).get_data()
            photograph = np.asarray(Image.open(io.BytesIO(png)))
            np.testing.assert_array_equal(found.photographs[image], photograph)
        assert list(found.names) == [one["class"] for one in probe["images"]]
        assert list(found.span) == probe["range"]
