"""What a hostile store can make the routes use, and what it can make them open: little."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from children.starting import run_program
from forged_stores import HONEST, LAYOUT, PNG, TABLE, ForgedStore
from plugin import bounds

from tbviz.store.format.schema import HEALTH_NUMBERS, MAX_HEALTH_NUMBERS

ROOT = Path(__file__).parents[2]
POSITIONS = 1500


def tags(forged, less):
    for epoch in range(POSITIONS // less):
        values = {f"{epoch} {tag}": 1 for tag in range(300)}
        forged.add({"kind": "metrics", "epoch": epoch, "values": values})


def late_tags(forged, less):
    for epoch in range(50_000 // less):
        forged.add({"kind": "metrics", "epoch": epoch, "values": {"loss": 1}})
    forged.add(
        {
            "kind": "metrics",
            "epoch": 100_000,
            "values": {f"tag {tag}": 1 for tag in range(50_000 // less)},
        }
    )


def images(forged, less):
    forged.add({"kind": "predictions", "epoch": 0, "images": [[]] * (2_000_000 // less)})
    for epoch in range(1, POSITIONS // less):
        forged.add({"kind": "predictions", "epoch": epoch, "images": [[[1, 0.5]]]})


def layers(forged, less):
    for epoch in range(60):
        numbers = {f"{epoch} {layer}": {"channels": 1, "mean": 0.5} for layer in range(20)}
        forged.add({"kind": "health", "epoch": epoch, "layers": numbers})
    forged.add(
        {
            "kind": "health",
            "epoch": 60,
            "layers": {str(layer): {} for layer in range(10**6 // less)},
        }
    )


def numbers(forged, less):
    """As many of one layer as there may be, and records of many layers with one that has them."""
    most = {f"n{number}": 1 for number in range(MAX_HEALTH_NUMBERS - len(HEALTH_NUMBERS))}
    few = {str(layer): {} for layer in range(100)}
    for epoch in range(POSITIONS // less):
        forged.add({"kind": "health", "epoch": epoch, "layers": {**few, "0": most}})
        more = {f"{epoch}_{number}": 1 for number in range(1000)}
        forged.add({"kind": "health", "epoch": epoch, "layers": {"more": more}})


def advice(forged, less):
    for epoch in range(POSITIONS // less):
        rows = [{"layer": f"{epoch}", "rule": str(rule), "text": ""} for rule in range(100)]
        forged.add({"kind": "health", "epoch": epoch, "layers": {}, "advice": rows})


def callbacks(forged, less):
    for epoch in range(POSITIONS // less):
        seconds = {f"{epoch} {callback}": 1 for callback in range(100)}
        forged.add({"kind": "cost", "epoch": epoch, "seconds": seconds, "wall": 1})


def layouts(forged, less):
    for layout in range(10_000 // less):
        identifier = f"{layout:08x}"
        forged.add({**LAYOUT, "id": identifier})
        meta, payload = HONEST["activations"]
        forged.add({**meta, "epoch": layout, "layout": identifier}, payload)


def sheets(forged, less):
    meta, _ = HONEST["activations"]
    forged.add({**LAYOUT, "id": "3" * 8, "layer": "many"})
    row = meta["sheets"][0]
    forged.add(
        {**meta, "layer": "many", "layout": "3" * 8, "sheets": [row] * (200_000 // less)}, PNG
    )


def magic(forged, less):
    """Half a pack that resembles a record with a long meta at every 24th byte."""
    meta = b"\x89tbv\r\n\x1a\n" + (1 << 23).to_bytes(4, "little") + bytes(12)
    forged.pack += meta * ((1 << 19) // less)
    forged.index.clear()
    forged.add(HONEST["notice"][0])


def advised(forged, less):
    for epoch in range(10_000 // less):
        rows = [{"layer": "a", "rule": str(epoch % 2), "text": "b" * 200}]
        forged.add({**HONEST["health"][0], "epoch": epoch, "advice": rows}, TABLE)


def names(forged, less):
    for at, name in enumerate(["../../../../etc/passwd", "/etc/passwd", "..", "a\0b"]):
        identifier = f"{at:08x}"
        forged.add({**LAYOUT, "id": identifier, "layer": name})
        meta, payload = HONEST["activations"]
        forged.add({**meta, "layer": name, "layout": identifier}, payload)
        forged.add({**meta, "kind": name, "layout": identifier}, payload)
        forged.add({"kind": "health", "epoch": 0, "layers": {name: {"channels": 1}}})
        forged.add({"kind": "writer", "uid": name, "replaces": [name]})


CONTENTS = [
    tags, late_tags, images, layers, numbers, advice, callbacks, layouts, sheets, magic, advised,
    names,
]  # fmt: skip


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peaks are read there")
@pytest.mark.parametrize(
    ("less", "mebibytes", "units"),
    [(8, 80, 52), pytest.param(1, 450, 200, marks=pytest.mark.every_row)],
)
def test_memory_time_and_what_is_opened(tmp_path, faults, less, mebibytes, units):
    """Bounds are half as much memory again, and four times the CPU in its units, as measured."""
    for content in CONTENTS:
        forged = ForgedStore(tmp_path / content.__name__)
        content(forged, less)
        forged.write()
    faults.tried += len(CONTENTS)
    done = run_program([sys.executable, bounds.__file__, tmp_path], check=True)
    said = json.loads(done.stdout)
    print({key: said[key] for key in ("bytes", "seconds", "unit", "counts")})
    assert said["wrong"] == []
    assert said["counts"]["200"] > 20 * len(CONTENTS)
    assert said["bytes"] < mebibytes << 20
    assert said["seconds"] < units * said["unit"]
    mine = (str(tmp_path), str(ROOT), sys.prefix, sys.base_prefix)
    assert [path for path in said["opened"] if not path.startswith(mine)] == []
    assert any(path.startswith(str(tmp_path)) for path in said["opened"])
    faults.survived += len(CONTENTS)
