"""Write stores with any metas that a test chooses, with right lengths and right CRCs."""

from __future__ import annotations

import copy
import json
import os
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from tbviz.images.sheet import encode_gray
from tbviz.store.disk.locations import store_directory

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PNG = encode_gray(np.arange(16, dtype=np.float32).reshape(1, 4, 4)).png
TREE = json.dumps({"nodes": [{"path": "conv", "name": "conv", "parent": None}]}).encode()
TABLE = np.arange(4, dtype="<f4").tobytes()
GRAY = [len(PNG), zlib.crc32(PNG), 0.0, 15.0, 0.5, 14.5]
AT = {"epoch": 0}

LAYOUT = {
    "kind": "layout", "time": 1e9, "id": "0a0a0a0a", "picture": "activations", "layer": "conv",
    "media": "gray8", "tile": [4, 4], "tiles": 1, "columns": 1, "images": 1,
}  # fmt: skip

# A valid record of each kind, with its payload.
HONEST: dict[str, tuple[dict[str, Any], bytes]] = {
    "writer": ({"kind": "writer", "time": 1e9, "format": 2, "uid": "a" * 16, "tbviz": "1"}, b""),
    "fit": ({"kind": "fit", "time": 1e9, "event": "begin", "epochs": 5, "initial_epoch": 0,
             "steps": 3, "backend": "jax", "versions": {"keras": "3"}, "model": "m"}, b""),
    "end": ({"kind": "fit", "time": 1e9, "event": "end", "status": "failed", "reason": "x"}, b""),
    "model": ({"kind": "model", "time": 1e9, "name": "m", "class": "Model", "parameters": 1,
               "trainable": 1, "media": "json", "bytes": len(TREE),
               "sheets": [[len(TREE), zlib.crc32(TREE)]]}, TREE),
    "probe": ({"kind": "probe", "time": 1e9, "media": "rgb8", "size": [4, 4], "range": [0, 1],
               "images": [{"name": "cat", "label": 1, "class": "cat"}], "class_names": ["dog"],
               "bytes": len(PNG), "sheets": [GRAY[:2]]}, PNG),
    "layout": (LAYOUT, b""),
    "activations": ({"kind": "activations", "time": 1e9, **AT, "layer": "conv", "media": "gray8",
                     "layout": "0a0a0a0a", "bytes": len(PNG), "sheets": [GRAY]}, PNG),
    "health": ({"kind": "health", "time": 1e9, **AT, "media": "table",
                "layers": {"conv": {"channels": 2, "dead": 1, "mean": 0.5}},
                "columns": ["mean", "std"], "rows": [2], "bytes": len(TABLE),
                "sheets": [[len(TABLE), zlib.crc32(TABLE)]],
                "advice": [{"layer": "conv", "rule": "dead", "text": "one is dead"}]}, TABLE),
    "metrics": ({"kind": "metrics", "time": 1e9, **AT, "values": {"loss": 0.5}}, b""),
    "predictions": ({"kind": "predictions", "time": 1e9, **AT, "scale": "probability",
                     "images": [[[1, 0.5], [0, 0.25]]]}, b""),
    "notice": ({"kind": "notice", "time": 1e9, **AT, "level": "warning", "method": "GradCAM",
                "layer": "conv", "text": "nothing", "remedy": None}, b""),
    "cost": ({"kind": "cost", "time": 1e9, **AT, "seconds": {"GradCAM": 0.1}, "compile": {},
              "wait": 0.1, "writer": 0.1, "wall": 1.0, "encode": {"GradCAM": 0.1}, "factor": 1.5,
              "skipped": ["GradCAM"], "budget": 0.05}, b""),
}  # fmt: skip


class ForgedStore:
    """One pack and its index, encoded by the tables of docs/format.md.

    Args:
        log_dir: The log directory.
        seq: The number in its name.
        honest: Whether it begins with a valid record of each kind, so that there is something to
            show.
    """

    def __init__(self, log_dir: Path, seq: int = 1, *, honest: bool = True) -> None:
        self.pack, self.index = bytearray(), bytearray()
        self.uid = f"{seq:016x}"
        self._stem = store_directory(log_dir) / f"{seq:06d}-{self.uid}"
        if honest:
            for meta, payload in HONEST.values():
                self.add(meta, payload)

    def add(self, meta: dict[str, Any] | str, payload: bytes = b"") -> None:
        """Append a record with right CRCs, and its index line."""
        text = meta if isinstance(meta, str) else json.dumps(meta, separators=(",", ":"))
        data = text.encode("utf-8", "surrogatepass")
        check = zlib.crc32(data)
        self.pack += b"\x89tbv\r\n\x1a\n" + struct.pack(
            "<IIII", len(data), len(payload), check, zlib.crc32(payload)
        )
        offset = len(self.pack) + len(data)
        self.pack += data + payload
        self.index += b'{"offset":%d,"check":%d,' % (offset, check) + data[1:] + b"\n"

    def write(self, *, index: bool = True) -> None:
        """Write both files to the store."""
        self._stem.parent.mkdir(parents=True, exist_ok=True)
        pack = self._stem.with_suffix(".pack")
        pack.write_bytes(self.pack)
        # A reader waits for the lines of records that were written a moment ago.
        os.utime(pack, (1e9, 1e9))
        if index:
            self._stem.with_suffix(".jsonl").write_bytes(self.index)


def paths_of(value: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in a meta."""
    if at:
        yield at
    if isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, inner in list(items):
            yield from paths_of(inner, (*at, key))


def replaced(meta: dict[str, Any], at: tuple[Any, ...], text: str) -> str:
    """Return a meta as JSON, with any text instead of one value."""
    changed = copy.deepcopy(meta)
    inner: Any = changed
    for key in at[:-1]:
        inner = inner[key]
    inner[at[-1]] = "@@"
    return json.dumps(changed, separators=(",", ":")).replace('"@@"', text, 1)
