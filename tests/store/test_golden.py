"""A store of each version of the format is read for ever. The files are never written again."""

from __future__ import annotations

import json
from pathlib import Path

import fsspec
import numpy as np
import pytest
import stores

from tbviz.images.sheet import decode
from tbviz.store.control import Orders, read_orders
from tbviz.store.format.schema import HEALTH_NUMBERS, FitPosition
from tbviz.store.maintain.summary import inspect
from tbviz.store.read import run_index
from tbviz.store.read.reader import open_reader

GOLDEN = Path(__file__).parents[1] / "golden"
FORMAT_2 = GOLDEN / "format-2"
PARTS = GOLDEN / "format-2-parts"
REWRITTEN = GOLDEN / "format-2-rewritten"

# Of a series' first sheet at the last position: kind, layer, media, sheets that are of an image,
# shape and sum of its levels; the range over all positions.
EVERY_RUN = [
    ("activations", "conv", "gray8", 2, (8, 32), 1919, (0.0, 0.544497)),
    ("activations:colors", "conv", "rgb8", 0, (8, 16, 3), 37429, None),
    ("activations", "scores", "gray8", 2, (64, 48), 670260, (0.0, 0.350147)),
    ("overview", "", "gray8", 2, (192, 96), 929124, (-1.17905, 1.37976)),
    ("cam", "conv", "gray8", 2, (8, 16), 1919, (0.0, 0.00397841)),
    ("kernels", "separable", "gray8", 0, (3, 9), 2723, (-0.361434, 0.330238)),
    ("kernels:pointwise", "separable", "gray8", 0, (3, 3), 1225, (-0.971841, 0.963122)),
    ("kernels", "conv", "gray8", 0, (3, 12), 4023, (-0.225877, 0.228619)),
    ("kernels:colors", "conv", "rgb8", 0, (3, 12, 3), 11986, None),
]
OF_PARTS = [
    *EVERY_RUN,
    ("saliency:gradients", "", "gray8", 2, (8, 16), 11284, (0.0, 3.02148e-05)),
    ("hypercolumns", "", "gray8", 2, (8, 8), 4398, (-0.127123, 1.16735)),
    ("hypercolumns:colors", "", "rgb8", 0, (8, 16, 3), 35978, None),
    ("augmentation", "", "rgb8", 0, (16, 24, 3), 122055, None),
    ("maximization", "conv", "rgb8", 0, (8, 16, 3), 46037, None),
    ("classes", "", "rgb8", 0, (8, 24, 3), 71804, None),
    ("cam:score-cam", "conv", "gray8", 2, (8, 16), 1919, (0.0, 0.000670047)),
]
LOSSES = [1.0992056131362915, 1.1011048555374146, 1.1013494729995728, 1.099035382270813]
ADVICE = (
    "3 of 4 channels of conv have been dead in this epoch; if other probe images do not wake them, "
    "try a lower learning rate or LeakyReLU"
)


def test_format_2_is_read():
    run = open_reader(FORMAT_2)
    assert run.positions == [
        (1, FitPosition(0)),
        (1, FitPosition(1, 45)),
        (1, FitPosition(1)),
        (1, FitPosition(2, None, final=True)),
    ]
    (segment,) = run.segments
    assert segment.damaged == 0
    assert run.series() == [("activations", "conv"), ("maximization", "conv"), ("cam", "conv")]
    answer = run_index.run_index(run)
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


def test_format_2_is_read_without_its_index(tmp_path):
    with_index = open_reader(FORMAT_2)
    directory = tmp_path / "plugins" / "tbviz"
    directory.mkdir(parents=True)
    (pack,) = (FORMAT_2 / "plugins" / "tbviz").glob("*.pack")
    (directory / pack.name).write_bytes(pack.read_bytes())
    without = open_reader(tmp_path)
    assert run_index.run_index(without, 0.0) == run_index.run_index(with_index, 0.0)
    stores.parse(pack.read_bytes())


def shown(run):
    """Return what `EVERY_RUN` lists."""
    rows = []
    for series in run_index.run_index(run)["series"]:
        pixels = decode(run.picture(series["kind"], series["layer"], len(run) - 1)).pixels
        head = [series[name] for name in ("kind", "layer", "media", "images")]
        rows.append((*head, pixels.shape, int(pixels.sum()), series.get("range")))
    return rows


def check_training(run):
    """Check what the fits of both stores have in common."""
    assert [
        loss
        for segment in run.segments
        for loss in segment.metrics["loss"].span(0, len(segment))
    ] == LOSSES  # fmt: skip
    last = run.segments[-1]
    assert json.loads(last.predictions[len(last) - 1]) == [
        [[2, 0.344254], [0, 0.332773], [1, 0.322973]],
        [[2, 0.348767], [0, 0.332475], [1, 0.318757]],
    ]
    numbers = dict(zip(HEALTH_NUMBERS, last.health.numbers("conv", 0, len(last))[-1], strict=True))
    assert [round(float(numbers[name]), 6) for name in ("dead", "sparsity", "mean", "std")] == [
        3.0, 0.857422, 0.019187, 0.067609,
    ]  # fmt: skip
    _, offset, length, _ = run.segments[0].health.table("conv", 0)
    table = np.frombuffer(run.segments[0].source.read(offset, length), "<f4")
    assert last.health.columns[4] == "sparsity"
    assert table.reshape(8, 4)[4].tolist() == [0.3984375, 1.0, 1.0, 1.0]
    for segment in run.segments:
        assert segment.health.channels == {"separable": 3, "conv": 4}
        assert segment.health.advice == {("conv", "dead"): [(0, ADVICE)]}
        [probe] = segment.probes
        assert probe.meta["class_names"] == ["left", "right", "both"]
        images = [decode(run.read(sheet)) for sheet in probe.sheets]
        assert [int(image.pixels.sum()) for image in images] == [20420, 20265]
        tree = json.loads(run.read(segment.models[-1].sheets[0]))
        assert [node["path"] for node in tree["nodes"]] == [
            "rescaling", "flip", "separable", "conv", "average", "scores",
        ]  # fmt: skip


def check_sound(run):
    """Check every byte of a run."""
    found = inspect(run, verify=True)
    assert (found["damage"], found["notes"]) == ([], [])
    assert {segment["status"] for segment in found["segments"]} == {"finished"}
    return found


def test_parts_of_format_2_are_read():
    run = open_reader(PARTS)
    assert run.positions == [(1, FitPosition(epoch)) for epoch in range(4)]
    assert shown(run) == OF_PARTS
    check_training(run)
    [segment] = check_sound(run)["segments"]
    assert (segment["writer"], segment["bytes"]) == ("d2986d788bd32dd8", 85592)
    layouts = {
        (series["kind"], series["layer"]): series for series in run_index.run_index(run)["series"]
    }
    assert layouts["cam:score-cam", "conv"]["positions"] == [[3, 1]]
    assert layouts["saliency:gradients", ""]["positions"] == [[0, 1], [3, 1]]


def test_parts_of_format_2_contain_the_costs_of_callbacks():
    [segment] = open_reader(PARTS).segments
    costs = segment.costs
    assert (costs.budget, costs.factor) == (0.5, 0.5)
    assert (round(costs.wall, 6), round(costs.main, 6)) == (9.245251, 1.263051)
    limited = dict.fromkeys(["LayerHealth", "GradCAM", "Saliency"], (2, 2))
    limited |= dict.fromkeys(["FilterMaximization", "ClassMaximization"], (2, 2))
    often = dict.fromkeys(["ActivationGrid", "Kernels", "Hypercolumns", "Augmentation"], (4, 0))
    # Its first snapshot was interrupted, which no version that was released does; it counts.
    rare = {"GradCAM score-cam": (2, 2), "tbviz": (0, 0)}
    counted = {name: (cost.snapshots, cost.skipped) for name, cost in costs.methods.items()}
    assert counted == limited | often | rare
    assert costs.methods["ActivationGrid"].encode == pytest.approx(0.023138)


def test_parts_of_format_2_are_read_from_an_object_store(bucket):
    fsspec.filesystem("memory").put(str(PARTS / "plugins"), f"{bucket}/plugins", recursive=True)
    run = open_reader(bucket)
    assert run_index.run_index(run, 0.0) == run_index.run_index(open_reader(PARTS), 0.0)
    assert shown(run) == OF_PARTS
    check_training(run)


def test_rewritten_packs_of_format_2_are_read():
    run = open_reader(REWRITTEN)
    first, second = run.segments
    assert run.positions == [(1, FitPosition(epoch)) for epoch in range(3)] + [(2, FitPosition(3))]
    # The first fit's middle epoch was pruned.
    assert {str(s["positions"]) for s in run_index.run_index(run)["series"]} == {"[[0, 1], [2, 2]]"}
    # The components of the second fit's first snapshot are its own.
    colors = {"activations:colors": 37439}
    assert shown(run) == [(*row[:5], colors.get(row[0], row[5]), row[6]) for row in EVERY_RUN]
    check_training(run)
    assert (first.replaces, first.by) == (("75f80ef9164924e5",), "prune")
    assert (second.replaces, second.by) == (("f9bbe36de4325db4",), "repair")
    assert check_sound(run)["orders"] == {"paused": True, "every": 2, "now": ""}
    assert read_orders(REWRITTEN / "plugins" / "tbviz") == Orders(paused=True, every=2, now="")
