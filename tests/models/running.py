"""Fits a row's model with every callback, and reads its cells from what was logged."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from models.case import DRAWN, Work

import tbviz
from tbviz.callbacks import filter_maximization
from tbviz.errors import TbvizError
from tbviz.images.ranges import LEVELS
from tbviz.images.sheet import decode
from tbviz.methods.maximization.settings import Ascent
from tbviz.store.disk.locations import store_directory
from tbviz.store.read.reader import open_reader

_KINDS = {
    "ActivationGrid": ("activations", "overview"),
    "Hypercolumns": ("hypercolumns", "hypercolumns:colors"),
    "GradCAM": ("cam",),
    "Saliency": ("saliency:gradients",),
    "FilterMaximization": ("maximization",),
    "ClassMaximization": ("classes",),
    "Kernels": ("kernels",),
}
"""The kinds of each method: a cell is drawn if all of them are."""


def fit(work: Work, callbacks: list[Any]) -> None:
    """One `fit`, and a second one where something is done to the model in between."""
    given = {"epochs": 1, "verbose": 0, **work.fit}
    given["callbacks"] = [*given.get("callbacks", ()), *callbacks]
    if len(work.data) == 2:
        given.setdefault("batch_size", 4)
    work.model.fit(*work.data, **given)
    if work.then is not None:
        work.then(work.model)
        work.model.fit(*work.data, **given)


def cells(work: Work, log_dir: Path, methods: Collection[str]) -> dict[str, str]:
    """By method, `DRAWN` or the reason why not, after a real `fit`."""
    refusals, callbacks = {}, []
    for method in methods:
        try:
            callbacks.append(_callback(method, work, log_dir))
        except TbvizError as error:
            refusals[method] = str(error)
    with mock.patch.object(filter_maximization, "MAX_LAYERS", 1):  # the others take as long again
        fit(work, callbacks)
    return {method: refusals.get(method) or _cell(log_dir, method) for method in methods}


def _callback(method: str, work: Work, log_dir: Path) -> Any:
    given: dict[str, tuple[Any, ...]] = {
        "GradCAM": (work.probe, work.labels),
        "Saliency": (work.probe, work.labels),
        "FilterMaximization": (),
        "ClassMaximization": (),
        "Kernels": (),
    }
    settings = {
        "FilterMaximization": {"filters": 4, "ascent": Ascent(steps=4)},
        "ClassMaximization": {"ascent": replace(Ascent.of_classes(), steps=4)},
    }
    arguments = given.get(method, (work.probe,))
    make = getattr(tbviz, method)
    return make(log_dir, *arguments, **settings.get(method, {}), **work.settings)


def shown(log_dir: Path) -> list[str]:
    """The paths that the activation grid drew."""
    return [layer for kind, layer in open_reader(log_dir).series() if kind == "activations"]


def reasons(log_dir: Path) -> dict[str, str | None]:
    """Of each layer in the tree, why it is not drawn."""
    run = open_reader(log_dir)
    trees = [tree for segment in run.segments for tree in segment.models]
    nodes = json.loads(run.read(trees[-1].sheets[0]))["nodes"] if trees else []
    return {node["path"]: node["reason"] for node in nodes}


def _cell(log_dir: Path, method: str) -> str:
    reported = [n for n in _metas(log_dir, "notice") if n["method"] in {method, "tbviz", "store"}]
    warnings = [n["text"] for n in reported if n["level"] == "warning"]
    if warnings:
        return "; ".join(warnings)
    if method == "LayerHealth":
        found = [list(_health(log_dir))]
    else:
        found = [list(_sheets(log_dir, kind)) for kind in _KINDS[method]]
    if all(map(_good, found)):
        return DRAWN
    left_out = [n["text"] for n in reported if n["method"] == method and n["level"] == "info"]
    return "; ".join(left_out) or "nothing was logged that is finite and not constant"


def _good(found: list[tuple[bool, bool]]) -> bool:
    """Whether all of it is finite, and some of it shows more than one value."""
    return any(varies for _, varies in found) and all(finite for finite, _ in found)


def _health(log_dir: Path) -> Iterator[tuple[bool, bool]]:
    """Of each layer, whether its numbers are finite, and whether its values differ."""
    for meta in _metas(log_dir, "health"):
        for numbers in meta["layers"].values():
            # A number that is not finite is a word in the store.
            finite = all(isinstance(numbers[name], int | float) for name in ("minimum", "maximum"))
            yield finite, finite and numbers["std"] > 0


def _sheets(log_dir: Path, kind: str) -> Iterator[tuple[bool, bool]]:
    """Of each picture, whether all of it is finite, and whether it shows more than one value."""
    run = open_reader(log_dir)
    for layer in (layer for found, layer in run.series() if found == kind):
        for _, segment, columns in run.columns(kind, layer):
            for number in range(len(columns)):
                location = columns.sheet(*divmod(number, columns.sheets))
                sheet = decode(run.sheet(segment.uid, *location))
                if sheet.ranges is None:
                    yield True, bool(np.ptp(sheet.pixels))
                else:
                    lows, highs = sheet.ranges.T
                    yield bool(np.all(sheet.pixels <= LEVELS)), bool(np.any(lows < highs))


def _metas(log_dir: Path, kind: str) -> Iterator[dict[str, Any]]:
    for path in sorted(store_directory(log_dir).glob("*.jsonl")):
        for line in path.read_text("utf-8").splitlines():
            meta = json.loads(line)
            if meta["kind"] == kind:
                yield meta
