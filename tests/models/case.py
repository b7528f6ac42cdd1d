"""A row of the table: a model as a user has it, and the result of each method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

DRAWN = "drawn"

METHODS = {
    "ActivationGrid": "activation grid",
    "Hypercolumns": "hypercolumns",
    "LayerHealth": "layer health",
    "GradCAM": "Grad-CAM",
    "Saliency": "saliency",
    "FilterMaximization": "filter maximization",
    "ClassMaximization": "class maximization",
    "Kernels": "kernels",
}
"""The columns: callbacks, and their names in the table."""

OCCASIONAL = ("Saliency", "ClassMaximization")
"""Columns that compile passes of their own: by default, only rows with `every_column` have them."""

TENSORFLOW, JAX, TORCH = BACKENDS = ("tensorflow", "jax", "torch")


@dataclass(frozen=True)
class Work:
    """The model and data of a user before `fit`.

    Attributes:
        model: compiled.
        data: what `fit` takes first: `(x, y)`, or `(dataset,)`.
        probe: what the callbacks get as images.
        labels: of the probe.
        fit: further settings of `fit`.
        then: done to the model between two `fit`s; there is one `fit` without it.
        settings: further settings of the callbacks that take images.
    """

    model: Any
    data: tuple[Any, ...]
    probe: Any
    labels: Any = None
    fit: Mapping[str, Any] = field(default_factory=dict)
    then: Callable[[Any], None] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """A row.

    Attributes:
        name: as a user would say it.
        build: makes the model and its data.
        every_day: the backends on which every run of the tests has this row; the others have it
            where all rows are run.
        every_column: whether every run of the tests has the columns that are `OCCASIONAL`, too; all
            rows have them where all rows are run.
        cells: by method, part of the reason where it is not drawn.
        on: the same for one backend, where it differs there.
        refused: by backend that cannot run it, what a `fit` without tbviz says: its first sentence.
        cpu_decides: the backends of `refused` that run it on some CPUs. Where a `fit` without
            tbviz is not refused there, the row is tested as on any other backend.
        backends: that have such a thing at all.
        shows: paths (or globs) that the activation grid must draw.
        reasons: by path, part of the reason in the layer tree why it is not drawn.
        remark: what a reader of the table should know.
    """

    name: str
    build: Callable[[], Work]
    every_day: tuple[str, ...] = ()
    every_column: bool = False
    cells: Mapping[str, str] = field(default_factory=dict)
    on: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    cpu_decides: tuple[str, ...] = ()
    backends: tuple[str, ...] = BACKENDS
    shows: tuple[str, ...] = ()
    reasons: Mapping[str, str] = field(default_factory=dict)
    remark: str = ""

    def cell(self, method: str, backend: str) -> str:
        """`DRAWN`, or part of the reason."""
        return {**self.cells, **self.on.get(backend, {})}.get(method, DRAWN)
