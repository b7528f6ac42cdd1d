"""What callbacks write is what docs/format.md lists."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from callbacks.nets import CLASSES, NAMES, data, functional, metas

from tbviz.callbacks.class_maximization import ClassMaximization
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.monitor import Monitor
from tbviz.callbacks.run.caption import Caption, TileCaption
from tbviz.callbacks.run.layout import Layout, LayoutRecord
from tbviz.callbacks.saliency import Saliency
from tbviz.images.sheet import decode
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.scores.target import Target
from tbviz.store.read.reader import open_reader

M = re.MULTILINE | re.DOTALL
ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "format.md").read_text("utf-8")


def listed(head: str, after: str = "") -> set[str]:
    """The names in the first column of the first table with this head behind a text."""
    table = PAGE[PAGE.index(f"| {head} |", PAGE.index(after)) :].split("\n\n")[0]
    first = [row.split("|")[1] for row in table.splitlines()[2:]]
    return {name for cell in first for name in re.findall("`(.*?)`", cell)}


def test_roles_of_tiles(tmp_path):
    images, labels = data(3)
    model = functional()
    targets = ["predicted", "true", "left", 1, np.array([2, 0, 1])]
    targets += [Target("true", against="left"), Target(against=0)]
    shared = {"class_names": NAMES, "strict": True}
    model.fit(
        images,
        labels,
        verbose=0,
        callbacks=[
            GradCAM(tmp_path, images, labels, targets=targets, **shared),
            Saliency(tmp_path, images, labels, targets=targets[-2:], **shared),
            ClassMaximization(tmp_path, ascent=Ascent(steps=2), **shared),
        ],
    )
    run = open_reader(tmp_path)
    seen = []
    for layout in metas(tmp_path, "layout"):
        text = decode(run.picture(layout["picture"], layout["layer"], 0, 0)).text
        roles = [tile["role"] for tile in text["tiles"]]
        assert layout.get("roles", ["given"] * CLASSES) == roles
        seen += roles
    assert {re.sub(r" [2-9]$", "", role) for role in seen} == listed("role")
    assert {"class 2", "difference 2"} <= set(seen)
    # Numbers are behind a role from the second of its kind on.
    assert not {f"{role} 1" for role in listed("role")} & set(seen)


def test_fields_of_layouts(tmp_path):
    images, labels = data(3)
    model = functional()
    model.fit(images, labels, verbose=0, callbacks=[Monitor(tmp_path, images, labels)])
    [row] = re.findall(r"^\| `layout` \|.*$", PAGE, re.MULTILINE)
    known = set(re.findall("`(.*?)`", row)) | listed("field", after="Optional fields of a layout")
    layouts = metas(tmp_path, "layout")
    assert {"activations", "overview", "cam", "kernels"} <= {
        layout["picture"] for layout in layouts
    }
    for layout in layouts:
        assert set(layout) - {"kind", "time", "offset", "check"} <= known
    # And the numbers of a layer are those of the table.
    [health] = metas(tmp_path, "health")
    for numbers in health["layers"].values():
        assert numbers.keys() == listed("number", after="### Health numbers")
    assert health["columns"] == list(CHANNEL_COLUMNS)


def test_fields_of_layouts_have_the_same_names_in_python_on_the_page_and_in_the_document():
    optional = listed("field", after="Optional fields of a layout")
    assert Layout.__annotations__.keys() | {"probes"} == optional
    [row] = re.findall(r"^\| `layout` \| no \|.*$", PAGE, re.MULTILINE)
    always = set(re.findall("`(\\w+)`", row)) - {"layout", "id"}
    assert LayoutRecord.__annotations__.keys() == optional | always
    [body] = [
        found[1]
        for path in (ROOT / "plugin_frontend" / "src").rglob("*.ts")
        for found in re.finditer(
            r"^export interface Layout \{$(.*?)^\}", path.read_text("utf-8"), M
        )
    ]
    fields = dict(re.findall(r"^  (\w+)(\??): ", body, re.MULTILINE))
    assert fields.keys() == LayoutRecord.__annotations__.keys()
    assert {name for name, mark in fields.items() if mark} == optional


def test_fields_of_captions_have_the_same_names_in_python_and_in_the_document():
    after = PAGE[PAGE.index("chunk `tvTX`") : PAGE.index("| role |")]
    named = set(re.findall(r"`(\w+)`|\"(\w+)\"", after))
    named = {one or other for one, other in named}
    assert Caption.__annotations__.keys() | TileCaption.__annotations__.keys() <= named


def test_methods_have_the_same_names_on_the_page():
    """There, a title that is the name of the kind gives way to a line that says more.

    A method that the table of the page does not have is named by its title there
    (`plugin_frontend/tests/model/families.test.ts`).
    """
    page = ROOT.joinpath("plugin_frontend", "src", "model", "families.ts").read_text("utf-8")
    labels = dict(re.findall(r'^      "?([\w+-]+)"?: \{\s*label: "(.*?)"', page, re.MULTILINE))
    labels["grad-cam"] = re.search(r'"": \{ label: "(Grad-CAM)" \}', page)[1]
    methods = {**CAMS, **ATTRIBUTIONS}
    assert {*labels} - {"colors"} <= methods.keys()
    shown = {name: labels.get(name, method.title) for name, method in methods.items()}
    assert shown == {name: method.title for name, method in methods.items()}
