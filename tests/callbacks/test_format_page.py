"""What callbacks write is what docs/format.md lists."""

from __future__ import annotations

import re
from pathlib import Path

from callbacks.nets import CLASSES, NAMES, data, functional, metas

from tbviz.callbacks.class_maximization import ClassMaximization
from tbviz.callbacks.grad_cam import GradCAM
from tbviz.callbacks.monitor import Monitor
from tbviz.callbacks.saliency import Saliency
from tbviz.images.sheet import decode
from tbviz.methods.cams.registry import CAMS
from tbviz.methods.layer_health.numbers import CHANNEL_COLUMNS
from tbviz.methods.maximization.settings import Ascent
from tbviz.methods.saliency.registry import ATTRIBUTIONS
from tbviz.store.format.schema import HEALTH_NUMBERS
from tbviz.store.read.reader import open_run

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
    targets = ["predicted", "true", "left", 1, [2, 0, 1], ("true", "left"), ("predicted", 0)]
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
    run = open_run(tmp_path)
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
    # And the numbers of a layer are those of the one list.
    [health] = metas(tmp_path, "health")
    for numbers in health["layers"].values():
        assert numbers.keys() == {"channels", *HEALTH_NUMBERS}
    assert health["columns"] == list(CHANNEL_COLUMNS)


def test_methods_have_the_same_names_on_the_page():
    """There, a title that is the name of the kind gives way to a line that says more."""
    page = ROOT.joinpath("plugin_frontend", "src", "families.ts").read_text("utf-8")
    labels = set(re.findall(r'(?:label|title): "(.*?)"', page))
    methods = (*CAMS.values(), *ATTRIBUTIONS.values())
    assert {method.title for method in methods} <= labels
