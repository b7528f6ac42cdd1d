"""Stores whose `writer` record says another format, or none; all else in them is as usual."""

from __future__ import annotations

from typing import Any

from tbviz.store.format.schema import FitPosition
from tbviz.store.write.writer import Writer

MISSING = object()
"""Stands for a `writer` record without `format`."""

SAID = [
    (1, "format 1"),
    (9, "format 9"),
    (3.5, "format 3.5"),
    (2.0, "format 2.0"),
    ("2", 'format "2"'),
    (None, "an unknown format"),
    (MISSING, "an unknown format"),
    (True, "format true"),
    (-1, "format -1"),
    (10**30, "format 1e+30"),
    ([[2]] * 50, "format [[2], [2], [2], [2], [2], [2], [2], [2],..."),
]
"""What a record says, and how a person reads it."""

IDS = [what for _, what in SAID[:6]] + ["missing"] + [what for _, what in SAID[7:10]] + ["list"]

LAYOUT = {
    "picture": "activations", "layer": "conv", "media": "table", "tile": [1, 1], "tiles": 1,
    "columns": 1, "images": 0,
}  # fmt: skip


def refused(what: str, version: str = "0.1.0") -> str:
    """Return what everyone says of such a segment."""
    return (
        f"written in {what}; this tbviz reads format 2: train again, or view it with the tbviz "
        f"that wrote it ({version})"
    )


class ForeignWriter(Writer):
    """Says this format.

    Args:
        log_dir: As `Writer` has it.
        said: The format; `MISSING` for none.
        more: Further fields of the `writer` record.
    """

    def __init__(self, log_dir: Any, said: Any, **more: Any) -> None:
        self._fields = {"format": said, **more}
        super().__init__(log_dir)

    def append(self, meta: Any, *arguments: Any) -> None:
        if meta["kind"] == "writer":
            fields = {**meta, **self._fields}
            meta = {name: value for name, value in fields.items() if value is not MISSING}
        super().append(meta, *arguments)


def write(log_dir: Any, said: Any = 2, epochs: int = 2, **more: Any) -> Writer:
    """Write a finished segment of one series, metrics and a notice."""
    writer = ForeignWriter(log_dir, said, **more)
    writer.append({"kind": "fit", "event": "begin", "epochs": epochs, "backend": "jax"})
    layout = writer.layout(LAYOUT)
    for epoch in range(epochs):
        at = FitPosition(epoch).fields()
        writer.append({"kind": "metrics", **at, "values": {"loss": 0.5}})
        picture = {"kind": "activations", **at, "layer": "conv", "layout": layout, "media": "table"}
        writer.append(picture, [b"1234"])
        writer.append({"kind": "notice", **at, "level": "info", "method": "m", "text": "t"})
        writer.flush()
    writer.append({"kind": "fit", "event": "end", "status": "finished", "reason": None})
    writer.close()
    return writer
