"""Write a run of any length without training: (layers, images, epochs) => a store.

Each sheet is encoded once, from feature maps of a photograph of the demo under random filters, so
that it compresses like a real one. Each epoch has a copy with different bytes in a chunk that
readers skip, so that every payload, length and CRC is different and every sheet is a valid PNG.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tbviz.demo.photographs import NAMES, PROBES, load
from tbviz.images.sheet import EncodedSheet, encode_gray, encode_rgb
from tbviz.store.format.schema import HEALTH_NUMBERS, FitPosition, encode_json
from tbviz.store.write.writer import Writer

_TABLE = ("mean", "std", "minimum", "maximum", "sparsity", "similarity", "saturated", "correlation")
_IEND = struct.pack(">I4sI", 0, b"IEND", zlib.crc32(b"IEND"))
_CLOCK = 1763771000.0
_EPOCH_SECONDS = 30.0
# Side and channels of the maps of each stage; a tenth of the layers is in the first, and so on.
_STAGES = ((64, 10), (32, 30), (16, 108), (16, 108), (8, 256))


class Layer(NamedTuple):
    """A layer, its sheets (one per probe image), and the maps of the first image."""

    path: str
    side: int
    channels: int
    sheets: list[EncodedSheet]
    maps: NDArray[np.float32]


class Record(NamedTuple):
    """The arguments of `Writer.append`."""

    meta: dict[str, object]
    payload: list[bytes]
    summaries: list[tuple[float, float, float, float]] | None


def make_layers(count: int, images: int, seed: int = 0) -> list[Layer]:
    """Run a network of random filters on the demo's probe photographs.

    Args:
        count: The number of layers.
        images: The number of probe images, at most as many as the demo has.
        seed: The seed of the filters.
    """
    random = np.random.default_rng(seed)
    photographs = load(1, 1).probe_images[:images].astype("float32") / 255.0
    layers = []
    held, stage_before = photographs, -1
    for index in range(count):
        stage = index * len(_STAGES) // count
        side, channels = _STAGES[stage]
        while held.shape[1] > side:
            held = held.reshape(len(held), held.shape[1] // 2, 2, held.shape[2] // 2, 2, -1)
            held = held.max(axis=(2, 4))
        before = held
        held = _filtered(random, held, channels)
        if stage == stage_before:  # a residual block keeps the picture recognizable in depth
            held = 0.5 * held + 0.5 * before
        stage_before = stage
        sheets = [encode_gray(np.moveaxis(maps, -1, 0)) for maps in held]
        layers.append(
            Layer(f"stage{stage + 1}/block{index + 1}/conv", side, channels, sheets, held[0])
        )
    return layers


def _filtered(
    random: np.random.Generator, maps: NDArray[np.float32], channels: int
) -> NDArray[np.float32]:
    """Apply 3 x 3 filters, a normalization and a ReLU."""
    depth = maps.shape[-1]
    kernel = random.normal(0, (2 / (9 * depth)) ** 0.5, (3, 3, depth, channels))
    padded = np.pad(maps, ((0, 0), (1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = maps.shape[1:3]
    total = sum(
        padded[:, y : y + height, x : x + width] @ kernel[y, x] for y in range(3) for x in range(3)
    )
    total = (total - np.mean(total, axis=(0, 1, 2))) / (np.std(total, axis=(0, 1, 2)) + 1e-6)
    return np.maximum(total, 0).astype("float32")


class SyntheticRun:
    """The records of one `fit`.

    Args:
        layers: The result of `make_layers`.
        epochs: The planned number of epochs.
        images: The number of probe images.
        seed: The seed of everything that differs between epochs.
    """

    def __init__(self, layers: list[Layer], epochs: int, images: int, seed: int = 1) -> None:
        self.layers = layers
        self.epochs = epochs
        self.images = images
        self._random = np.random.default_rng(seed)
        self._ids: dict[str, str] = {}

    def begin(self, writer: Writer) -> None:
        """Append the records before the first position."""
        writer.append({
            "kind": "fit", "time": _CLOCK, "event": "begin", "epochs": self.epochs,
            "initial_epoch": 0, "steps": 300, "backend": "tensorflow", "model": "synthetic",
            "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "tbviz": "0.1.0"},
        })  # fmt: skip
        nodes = [
            {"path": layer.path, "name": "conv", "class": "Conv2D", "parent": None,
             "shape": [layer.side, layer.side, layer.channels], "parameters": 9 * layer.channels,
             "trainable": True, "config": {"filters": layer.channels, "kernel_size": [3, 3]},
             "kinds": ["activations", "health"], "reason": None}
            for layer in self.layers
        ]  # fmt: skip
        writer.append(
            {"kind": "model", "time": _CLOCK, "name": "synthetic", "class": "Functional",
             "media": "json", "parameters": 123456, "trainable": 123456},
            [encode_json({"nodes": nodes})],
        )  # fmt: skip
        probes = PROBES[: self.images]
        writer.append(
            {"kind": "probe", "time": _CLOCK, "media": "rgb8", "size": [64, 64],
             "range": [0, 255], "class_names": list(NAMES),
             "images": [{"name": probe.name, "label": NAMES.index(probe.name),
                         "class": probe.name} for probe in probes]},
            [encode_rgb(crop[None]).png for crop in load(1, 1).probe_images[: self.images]],
        )  # fmt: skip
        for layer in self.layers:
            self._ids[layer.path] = writer.layout({
                "picture": "activations", "layer": layer.path, "media": "gray8",
                "tile": [layer.side, layer.side], "tiles": layer.channels, "columns": 16,
                "images": self.images, "map": [layer.side, layer.side],
                "channels": list(range(layer.channels)), "total": layer.channels,
                "method": "ActivationGrid",
            })  # fmt: skip
        self._ids["cam"] = writer.layout({
            "picture": "cam", "layer": self.layers[-1].path, "media": "gray8", "tile": [8, 8],
            "tiles": 2, "columns": 2, "images": self.images, "roles": ["predicted", "true"],
            "method": "GradCAM",
        })  # fmt: skip

    def position(self, epoch: int) -> list[Record]:
        """Return the records of one epoch's end, for `append_all`."""
        now = {"time": _CLOCK + _EPOCH_SECONDS * (epoch + 1), **FitPosition(epoch).fields()}
        return [
            Record({"kind": "metrics", **now, "values": self._metrics(epoch)}, [], None),
            Record({"kind": "predictions", **now, **self._predictions()}, [], None),
            *self._pictures(now),
            self._cam(now, epoch),
            self._health(now),
            Record({
                "kind": "cost", **now, "compile": {}, "wait": 1e-05, "writer": 0.21, "wall": 30.0,
                "seconds": {"ActivationGrid": 0.1, "GradCAM": 0.03, "LayerHealth": 0.05},
                "encode": {"ActivationGrid": 0.2, "GradCAM": 0.01, "LayerHealth": 0.01},
            }, [], None),
        ]  # fmt: skip

    def end(self, writer: Writer) -> None:
        """Append the end of the `fit`."""
        writer.append({
            "kind": "fit", "time": _CLOCK + _EPOCH_SECONDS * (self.epochs + 1), "event": "end",
            "status": "finished", "reason": None,
        })  # fmt: skip

    def _pictures(self, now: dict[str, object]) -> Iterator[Record]:
        for layer in self.layers:
            meta = {"kind": "activations", **now, "layer": layer.path,
                    "layout": self._ids[layer.path], "media": "gray8"}  # fmt: skip
            yield self._record(meta, layer.sheets)

    def _cam(self, now: dict[str, object], epoch: int) -> Record:
        layer = self.layers[-1]
        sheets = []
        for image in range(self.images):
            tiles = self._random.random((2, layer.side, layer.side), dtype="float32")
            caption = [
                {"role": role, "class": number, "name": NAMES[number], "probability": 0.4371,
                 "score": 3.21987 + epoch, "target": "logit of the class"}
                for role, number in (("predicted", epoch % len(NAMES)), ("true", image))
            ]  # fmt: skip
            sheets.append(encode_gray(tiles, 2, {"tiles": caption}))
        meta = {"kind": "cam", **now, "layer": layer.path, "layout": self._ids["cam"],
                "media": "gray8"}  # fmt: skip
        return self._record(meta, sheets)

    def _record(self, meta: dict[str, object], sheets: list[EncodedSheet]) -> Record:
        payload, summaries = [], []
        for sheet in sheets:
            payload.append(perturbed(sheet.png, self._random))
            lo, hi, p, q = sheet.summary or (0.0,) * 4
            growth = self._random.uniform(0.8, 1.2)
            summaries.append((lo * growth, hi * growth, p * growth, q * growth))
        return Record(meta, payload, summaries)

    def _metrics(self, epoch: int) -> dict[str, float]:
        loss = np.float32(2.3 / (1 + epoch / 20) + self._random.uniform(0, 0.05))
        return {"loss": float(loss), "accuracy": float(np.float32(1 - loss / 3)),
                "val_loss": float(np.float32(loss * 1.2)),
                "val_accuracy": float(np.float32(1 - loss / 2.5))}  # fmt: skip

    def _predictions(self) -> dict[str, object]:
        images = []
        for _ in range(self.images):
            shares = np.sort(self._random.dirichlet(np.ones(len(NAMES))))[::-1][:5]
            classes = self._random.permutation(len(NAMES))[:5]
            images.append(
                [[int(c), float(f"{s:.6g}")] for c, s in zip(classes, shares, strict=True)]
            )
        return {"scale": "probability", "images": images}

    def _health(self, now: dict[str, object]) -> Record:
        layers, tables = {}, []
        for layer in self.layers:
            values = self._random.uniform(0, 2, len(HEALTH_NUMBERS))
            numbers = {
                name: float(f"{x:.6g}") for name, x in zip(HEALTH_NUMBERS, values, strict=True)
            }
            dead = int(self._random.integers(0, 4))
            layers[layer.path] = {"channels": layer.channels, **numbers, "dead": dead}
            tables.append(self._random.random((len(_TABLE), layer.channels), "float32").tobytes())
        path = self.layers[len(self.layers) // 2].path
        text = f"3 of 128 channels of {path} give one number on every probe image"
        meta = {
            "kind": "health", **now, "layers": layers, "media": "table", "columns": list(_TABLE),
            "rows": [layer.channels for layer in self.layers],
            "advice": [{"layer": path, "rule": "dead", "text": text}],
        }  # fmt: skip
        return Record(meta, tables, None)


def perturbed(png: bytes, random: np.random.Generator) -> bytes:
    """Return the same picture with a private chunk of up to 63 random bytes before its end."""
    data = random.bytes(int(random.integers(8, 64)))
    chunk = struct.pack(">I", len(data)) + b"tvZZ" + data
    return png[: -len(_IEND)] + chunk + struct.pack(">I", zlib.crc32(chunk[4:])) + _IEND


def append_all(writer: Writer, records: list[Record]) -> None:
    """Append the records of one position."""
    for meta, payload, summaries in records:
        writer.append(meta, payload, summaries)


def write_run(
    log_dir: str | Path, layers: list[Layer], epochs: int, images: int, *, seed: int = 1
) -> None:
    """Write a complete run, flushed position by position and not synced."""
    run = SyntheticRun(layers, epochs, images, seed)
    writer = Writer(log_dir, sync=False)
    run.begin(writer)
    for epoch in range(epochs):
        append_all(writer, run.position(epoch))
        writer.flush()
    run.end(writer)
    writer.close()
