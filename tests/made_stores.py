"""Write a synthetic run with every kind of record: python tests/made_stores.py LOGDIR --live 2.

Blobs move, so that positions differ. One channel of every layer is dead, more die with time. One
layer's tiles sometimes contain NaN and infinity. The loss has a spike.
"""

from __future__ import annotations

import argparse
import contextlib
import math
import time
import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from made_kinds import add_kinds, advice, more_cost, more_health
from made_trees import tree

from tbviz.images.sheet import encode_gray, encode_rgb
from tbviz.store.format.schema import FitPosition, encode_json
from tbviz.store.write.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

CLASS_NAMES = ["astronaut", "cat", "coffee", "rocket", "chelsea"]
TABLE = ["mean", "std", "minimum", "maximum", "sparsity", "similarity"]
PROBE_SIZE = 64
_CLOCK = 1763771000.0  # a fixed time, so that the same seed writes the same metas


class Layer(NamedTuple):
    """A layer whose output is drawn."""

    path: str
    type: str
    channels: int
    height: int
    width: int


LAYERS = (
    Layer("conv1", "Conv2D", 16, 32, 32),
    Layer("pool1", "MaxPooling2D", 16, 16, 16),
    Layer("backbone/block1/conv2", "Conv2D", 32, 16, 16),
    Layer("backbone/block1/bn", "BatchNormalization", 32, 16, 16),
    Layer("backbone/block1/relu", "ReLU", 32, 16, 16),
    Layer("backbone/block2/conv3", "Conv2D", 48, 8, 8),
    Layer("head/conv4", "Conv2D", 64, 7, 7),
)


def make_run(
    log_dir: str | Path,
    positions: int = 12,
    layers: Sequence[Layer] = LAYERS,
    images: int = 4,
    seed: int = 0,
    segments: int = 1,
    *,
    finish: bool = True,
    batches: bool = False,
    final: bool = False,
    every_kind: bool = False,
) -> None:
    """Write a synthetic run.

    Args:
        log_dir: The log directory.
        positions: The number of positions over all segments.
        layers: The layers that have pictures.
        images: The number of probe images.
        seed: The seed of the pictures.
        segments: The number of `fit`s; each but the first repeats the last epoch before it.
        finish: Whether the last `fit` has ended.
        batches: Whether every third position is one within an epoch.
        final: Whether the last position is the state after `fit`.
        every_kind: Whether the kinds of `made_kinds.py` are written too.
    """
    epoch = 0
    for index in range(segments):
        count = positions // segments + (index < positions % segments)
        run = Run(
            log_dir, layers, images, seed, epochs=epoch + count, first=epoch, every_kind=every_kind
        )
        last = index == segments - 1
        for step in range(count):
            run.add(batch=batches and step % 3 == 1, final=final and last and step == count - 1)
        if finish or not last:
            run.finish("stopped" if final and last else "finished")
        run.writer.close()
        epoch = max(run.epoch - 1, 0)


class Run:
    """One synthetic `fit`; the other arguments are those of `make_run`.

    Args:
        epochs: The planned number of epochs.
        first: The first epoch.
        now: Whether the records have the current time.
    """

    def __init__(
        self,
        log_dir: str | Path,
        layers: Sequence[Layer] = LAYERS,
        images: int = 4,
        seed: int = 0,
        *,
        epochs: int = 12,
        first: int = 0,
        now: bool = False,
        every_kind: bool = False,
    ) -> None:
        self.writer = Writer(log_dir)
        self.class_names = CLASS_NAMES
        self._every_kind = every_kind
        self.epoch = first
        self.epochs = epochs
        self._first = first
        self.layers = layers
        self._images = images
        self._phase = np.random.default_rng(seed).uniform(0, 2 * math.pi, size=images)
        self._now = now
        self._clock = _CLOCK + 1000 * first
        self.labels = [image % len(CLASS_NAMES) for image in range(images)]
        self._ids: dict[tuple[str, str], str] = {}
        self._begin()

    def add(self, *, batch: bool = False, final: bool = False) -> None:
        """Write one more position."""
        step = self.epoch + (0.5 if batch else 0.0)
        number = 30 * (self.epoch - self._first) + 15 if batch else None
        where = FitPosition(self.epoch, number, final).fields()
        self._clock += 5 if batch else 10
        self.epoch += not batch
        for layer in self.layers:
            self._activations(layer, step, where)
        for layer in self.layers:
            if layer.type == "Conv2D":
                self._maximization(layer, step, where)
        self._cam(step, where)
        if self._every_kind:
            add_kinds(self, step, where)
        self._health(step, where)
        self.append({"kind": "metrics", **where, "values": self._metrics(step)})
        self.append({
            "kind": "predictions", **where, "scale": "probability",
            "images": [self.prediction(image, step) for image in range(self._images)],
        })  # fmt: skip
        self.append({
            "kind": "cost", **where, "seconds": {"ActivationGrid": 0.02, "GradCAM": 0.03},
            "compile": {"ActivationGrid": 0.8 if step == self._first else 0.0},
            "wait": 0.001, "writer": 0.08, "wall": 3.0,
            **(more_cost(step) if self._every_kind else {}),
        })  # fmt: skip
        if int(step) == 3 and not batch:
            self.append({
                "kind": "notice", **where, "level": "warning", "method": "GradCAM",
                "layer": "head/conv4", "text": "all gradients are zero for image 'cat'",
                "remedy": "log the class scores before softmax",
            })  # fmt: skip
        self.writer.flush()

    def finish(self, status: str = "finished", reason: str | None = None) -> None:
        """Write the end of the `fit`."""
        self.append({"kind": "fit", "event": "end", "status": status, "reason": reason})
        self.writer.flush()

    def append(self, meta: dict, payload: Sequence[bytes] = (), summaries=None) -> None:
        moment = time.time() if self._now else self._clock
        self.writer.append({"time": moment, **meta}, payload, summaries)

    def _begin(self) -> None:
        self.append({
            "kind": "fit", "event": "begin", "epochs": self.epochs,
            "initial_epoch": self._first, "steps": 30, "backend": "tensorflow",
            "versions": {"keras": "3.15.1", "tensorflow": "2.21.0", "tbviz": "0.1.0"},
            "model": "photographs",
        })  # fmt: skip
        self.append(
            {"kind": "model", "name": "photographs", "class": "Functional", "media": "json",
             "parameters": 123456, "trainable": 120000},
            [encode_json({"nodes": tree(self.layers)})],
        )  # fmt: skip
        self.append(
            {"kind": "probe", "media": "rgb8", "size": [PROBE_SIZE, PROBE_SIZE],
             "range": [0, 255], "class_names": CLASS_NAMES,
             "images": [{"name": f"{CLASS_NAMES[label]} {image}", "label": label,
                         "class": CLASS_NAMES[label]}
                        for image, label in enumerate(self.labels)]},
            [encode_rgb(self.probe(image)[None]).png for image in range(self._images)],
        )  # fmt: skip
        for layer in self.layers:
            shared = {"layer": layer.path, "tile": [layer.height, layer.width]}
            self._ids["activations", layer.path] = self.writer.layout({
                "picture": "activations", **shared, "media": "gray8", "tiles": layer.channels,
                "columns": min(8, layer.channels), "images": self._images,
                "channels": list(range(layer.channels)), "total": layer.channels,
                "method": "ActivationGrid", "title": "activations",
            })  # fmt: skip
            self._ids["maximization", layer.path] = self.writer.layout({
                "picture": "maximization", "layer": layer.path, "tile": [24, 24], "media": "rgb8",
                "tiles": 8, "columns": 4, "images": 0, "channels": list(range(8)),
                "total": layer.channels, "method": "FilterMaximization", "title": "maximization",
            })  # fmt: skip
        self._ids["cam", self.layers[-1].path] = self.writer.layout({
            "picture": "cam", "layer": self.layers[-1].path, "tile": [7, 7], "media": "gray8",
            "tiles": 2, "columns": 2, "images": self._images, "roles": ["predicted", "true"],
            "method": "GradCAM", "title": "Grad-CAM",
        })  # fmt: skip
        self.append({
            "kind": "notice", "level": "info", "method": "Monitor", "layer": "head/memory",
            "text": "LSTM has no spatial output; it is not drawn", "remedy": None,
        })  # fmt: skip
        self.writer.flush()

    def _activations(self, layer: Layer, step: float, where: dict) -> None:
        sheets = [
            encode_gray(self.tiles(layer, image, step), min(8, layer.channels))
            for image in range(self._images)
        ]
        self.append(
            {"kind": "activations", **where, "layer": layer.path, "media": "gray8",
             "layout": self._ids["activations", layer.path]},
            [sheet.png for sheet in sheets],
            [sheet.summary for sheet in sheets],
        )  # fmt: skip

    def tiles(self, layer: Layer, image: int, step: float) -> NDArray[np.float32]:
        """Return the feature maps of one image: `(channels, height, width)`."""
        noise = np.random.default_rng([zlib.crc32(layer.path.encode()), image, int(2 * step)])
        channel = np.arange(layer.channels)[:, None, None]
        turn = 2 * math.pi * channel / layer.channels + 0.3 * step + self._phase[image]
        row = np.linspace(0, 1, layer.height)[None, :, None] - 0.5 - 0.35 * np.sin(turn)
        column = np.linspace(0, 1, layer.width)[None, None, :] - 0.5 - 0.35 * np.cos(turn)
        strength = (1 + 0.1 * step) * (1 + channel / layer.channels)
        maps = strength * np.exp(-(row**2 + column**2) / 0.03)
        maps += 0.05 * noise.standard_normal(maps.shape)
        maps = maps - 0.5 if layer.type == "BatchNormalization" else np.maximum(maps, 0)
        maps[dead_channels(layer, step)] = 0.0
        if layer.type == "BatchNormalization" and int(step) % 7 == 3:
            maps[5] = np.nan
            maps[6, 0, :3] = [np.nan, np.inf, -np.inf]
        return maps.astype(np.float32)

    def _maximization(self, layer: Layer, step: float, where: dict) -> None:
        axis = np.linspace(0, 2 * math.pi, 24)
        channel = np.arange(8)[:, None, None, None]
        color = np.arange(3)[None, None, None, :]
        wave = np.sin((channel + 1) * axis[None, :, None, None] * 0.5 + color + 0.1 * step)
        wave = wave * np.cos(axis[None, None, :, None] * (1 + channel % 3) + 0.2 * step)
        contrast = 1 - math.exp(-(step + 1) / 5)
        tiles = np.clip(128 + 127 * contrast * wave, 0, 255).astype(np.uint8)
        scores = (np.linspace(1, 2, 8) * (1 + step)).tolist()
        self.append(
            {"kind": "maximization", **where, "layer": layer.path, "media": "rgb8",
             "layout": self._ids["maximization", layer.path]},
            [encode_rgb(tiles, 4, {"scores": scores}).png],
        )  # fmt: skip

    def _cam(self, step: float, where: dict) -> None:
        path = self.layers[-1].path
        sheets = []
        for image, label in enumerate(self.labels):
            layer = Layer(path, "Conv2D", 2, 7, 7)
            (best, share), *_ = self.prediction(image, step)
            text = {"tiles": [
                {"role": role, "class": index, "name": CLASS_NAMES[index],
                 "probability": probability, "score": math.log(probability), "target": "logit"}
                for role, index, probability in (
                    ("predicted", best, share), ("true", label, 0.2 + 0.5 * share)
                )
            ]}  # fmt: skip
            maps = self.tiles(layer, image, step) + 0.1
            sheets.append(encode_gray(maps, 2, text))
        self.append(
            {"kind": "cam", **where, "layer": path, "media": "gray8",
             "layout": self._ids["cam", path]},
            [sheet.png for sheet in sheets],
            [sheet.summary for sheet in sheets],
        )  # fmt: skip

    def _health(self, step: float, where: dict) -> None:
        numbers = {}
        tables = []
        more = {}
        for layer in self.layers:
            images = [self.tiles(layer, image, step) for image in range(self._images)]
            flat = np.stack(images, axis=1).reshape(layer.channels, -1)
            spread = flat.std(axis=1)
            columns = [
                flat.mean(axis=1), spread, flat.min(axis=1), flat.max(axis=1),
                (flat == 0).mean(axis=1), np.linspace(0, 1, layer.channels) / (1 + 0.1 * step),
            ]  # fmt: skip
            tables.append(np.stack(columns).astype("<f4").tobytes())
            numbers[layer.path] = {
                "channels": layer.channels, "dead": int((spread == 0).sum()),
                "sparsity": float((flat == 0).mean()), "mean": float(flat.mean()),
                "std": float(flat.std()), "minimum": float(flat.min()),
                "maximum": float(flat.max()), "similarity": 1 / (1 + 0.1 * step),
                "output_change": None if step == self._first else 1 / (1 + step),
            }  # fmt: skip
            if self._every_kind:
                dead = numbers[layer.path]["dead"]
                numbers[layer.path] |= more_health(layer.channels, step, dead)
                more.setdefault("advice", []).extend(advice(layer.path, layer.channels, dead))
        self.append(
            {"kind": "health", **where, "media": "table", "layers": numbers, "columns": TABLE,
             "rows": [layer.channels for layer in self.layers], **more},
            tables,
        )  # fmt: skip

    def _metrics(self, step: float) -> dict[str, float]:
        spike = 3.0 if int(step) == self._first + int(0.6 * (self.epochs - self._first)) else 0.0
        loss = 2.3 * math.exp(-step / 6) + spike + 0.02 * math.sin(7 * step)
        return {
            "loss": math.nan if int(step) % 17 == 13 else loss,
            "val_loss": 2.3 * math.exp(-step / 8) + spike / 2 + 0.02 * step,
            "accuracy": 1 - 0.9 * math.exp(-step / 5),
            "val_accuracy": 0.8 - 0.7 * math.exp(-step / 5),
            "learning_rate": 0.001 * 0.95 ** int(step),
        }

    def prediction(self, image: int, step: float) -> list[list[float]]:
        scores = [
            math.sin(image + index + 0.4 * step) + 0.15 * step * (index == self.labels[image])
            for index in range(len(CLASS_NAMES))
        ]
        total = sum(math.exp(score) for score in scores)
        ranked = sorted(range(len(scores)), key=lambda index: -scores[index])
        return [[index, round(math.exp(scores[index]) / total, 4)] for index in ranked]

    def probe(self, image: int) -> NDArray[np.uint8]:
        axis = np.linspace(0, 1, PROBE_SIZE)
        picture = np.zeros((PROBE_SIZE, PROBE_SIZE, 3))
        picture[..., 0] = axis[:, None]
        picture[..., 1] = axis[None, :]
        picture[..., 2] = (image + 1) / (self._images + 1)
        center = 0.5 + 0.25 * np.array([math.sin(self._phase[image]), math.cos(self._phase[image])])
        disc = (axis[:, None] - center[0]) ** 2 + (axis[None, :] - center[1]) ** 2 < 0.03
        picture[disc] = [1, 0.9, 0.2]
        return (255 * picture).astype(np.uint8)


def dead_channels(layer: Layer, step: float) -> list[int]:
    """Return the channels that are dead at a step: channel 2, and one more every four epochs."""
    dead = {2} | {(7 * index) % layer.channels for index in range(int(step) // 4)}
    return sorted(channel for channel in dead if channel < layer.channels)


def main() -> None:
    """Write a run, and continue it if `--live` is given."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("log_dir")
    parser.add_argument("--positions", type=int, default=12)
    parser.add_argument("--images", type=int, default=4)
    parser.add_argument("--segments", type=int, default=1)
    parser.add_argument("--batches", action="store_true", help="every third within an epoch")
    parser.add_argument("--every-kind", action="store_true", help="pictures of all kinds")
    parser.add_argument("--unfinished", action="store_true", help="write no end")
    parser.add_argument("--live", type=float, metavar="SECONDS", help="add one every so often")
    options = parser.parse_args()
    if options.live is None:
        make_run(
            options.log_dir, options.positions, images=options.images,
            segments=options.segments, finish=not options.unfinished, batches=options.batches,
            every_kind=options.every_kind,
        )  # fmt: skip
        return
    run = Run(options.log_dir, images=options.images, epochs=1000, now=True)
    for _ in range(options.positions):
        run.add()
    with contextlib.suppress(KeyboardInterrupt):
        while True:
            time.sleep(options.live)
            run.add()
    run.finish("stopped", "KeyboardInterrupt")


if __name__ == "__main__":
    main()
