"""Read everything that a store contains, sheet by sheet, and add pictures to it."""

from __future__ import annotations

import shutil

import stores

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError
from tbviz.store.format.schema import FitPosition
from tbviz.store.read.reader import open_reader


def view(log_dir):
    """Return every readable sheet: (segment, position, kind, layer, image) to its bytes."""
    run = open_reader(log_dir)
    seen = {}
    for number, (segment, position) in enumerate(run.positions):
        for kind, layer in run.series():
            base, part, columns = next(
                (part for part in run.columns(kind, layer) if part[1] is run.location(number)[0]),
                (0, None, None),
            )
            if part is None or columns.positions.index(number - base) is None:
                continue
            for image in range(columns.sheets):
                key = (segment, position, kind, layer, image)
                assert key not in seen
                try:
                    seen[key] = run.picture(kind, layer, number, image)
                except DamagedError:
                    continue
    return seen


def epochs(log_dir):
    return [position.epoch for _, position in open_reader(log_dir).positions]


def positions_with_pictures(log_dir, kind="activations", layer="conv"):
    """Return the positions at which a series has pictures, segment by segment."""
    run = open_reader(log_dir)
    return [
        [segment.position(ordinal) for ordinal in columns.positions.values()]
        for _, segment, columns in run.columns(kind, layer)
    ]


def files(log_dir):
    """Return the names of the files in a store."""
    return sorted(path.name for path in store_directory(log_dir).iterdir())


def pair(log_dir):
    """Return the only pack in a store, and its index."""
    [pack] = store_directory(log_dir).glob("*.pack")
    return pack, pack.with_suffix(".jsonl")


def add(writer, position, kind="activations", layer="conv"):
    """Append one picture of two sheets, and the loss, at any position."""
    fields = {**stores.LAYOUT, "picture": kind, "layer": layer}
    where = position.fields()
    name = f"{kind} {layer} {tuple(position)}".encode()
    writer.append(
        {
            "kind": kind,
            **where,
            "layer": layer,
            "layout": writer.layout(fields),
            "media": "gray8",
        },
        [name, b"second " + name],
        [(0.0, 1.0, 0.25, 0.75), (-1.0, 2.0, -0.5, 1.5)],
    )
    writer.append({"kind": "metrics", **where, "values": {"loss": 1.0 + position.epoch}})


def losses(log_dir):
    """Return the loss at each position."""
    return [
        value
        for segment in open_reader(log_dir).segments
        for value in segment.metrics["loss"].span(0, len(segment))
    ]


def copy(log_dir, to):
    shutil.copytree(log_dir, to)
    return to


def at_epochs(*numbers):
    return [FitPosition(number) for number in numbers]
