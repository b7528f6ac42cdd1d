"""Write and read packs and their indexes, and never lose a position (docs/format.md)."""

from __future__ import annotations

from tbviz.store.disk.locations import store_directory
from tbviz.store.errors import DamagedError, StoreError, UnknownWriterError
from tbviz.store.format.schema import Position, layout_id
from tbviz.store.read.reader import Reader, open_run
from tbviz.store.write.background import BackgroundWriter
from tbviz.store.write.writer import Writer

__all__ = [
    "BackgroundWriter",
    "DamagedError",
    "Position",
    "Reader",
    "StoreError",
    "UnknownWriterError",
    "Writer",
    "layout_id",
    "open_run",
    "store_directory",
]
